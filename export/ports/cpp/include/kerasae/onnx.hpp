// Runs the ONNX models of a bundle, which was exported with `also="onnx"`, with ONNX Runtime's library,
// which the wheel `onnxruntime` holds, without headers. Its C functions are a table that only grows, so
// what is used of it is named here by its place. It is not part of kerasae.hpp, since a program that
// includes it has to be linked with that library.
#pragma once

#include <memory>

#include "bundle.hpp"
#include "codec.hpp"

namespace kerasae {

namespace detail::ort {

struct Base {
    const void* const* (*table)(std::uint32_t version);
    const char* (*version)();
};

extern "C" const Base* OrtGetApiBase() noexcept;

using Status = void*;  // null is success

/// The functions of version 1 of the table, and the places that they have in it.
class Api {
public:
    static const Api& get() {
        static const Api api;
        return api;
    }

    template <class... Arguments>
    void call(std::size_t place, const char* what, Arguments... arguments) const {
        const auto function = reinterpret_cast<Status (*)(Arguments...)>(
            const_cast<void*>(table_[place]));
        const Status status = function(arguments...);
        if (status == nullptr) return;
        const auto text = reinterpret_cast<const char* (*)(Status)>(
            const_cast<void*>(table_[error_message]));
        const std::string message = std::string("ONNX Runtime could not ") + what + ": " + text(status);
        release(release_status, status);
        throw BundleError(message);
    }

    void release(std::size_t place, void* made) const {
        reinterpret_cast<void (*)(void*)>(const_cast<void*>(table_[place]))(made);
    }

    static constexpr std::size_t error_message = 2, create_env = 3, create_session_from_array = 8,
                                 run = 9, create_options = 10, set_threads = 24, input_count = 30,
                                 output_count = 31, create_tensor = 49, tensor_data = 51,
                                 element_type = 60, element_count = 64, tensor_shape = 65,
                                 cpu_memory = 69, release_env = 92, release_status = 93,
                                 release_memory = 94, release_session = 95, release_value = 96,
                                 release_shape = 99, release_options = 100;

private:
    Api() : table_(OrtGetApiBase()->table(1)) {
        if (table_ == nullptr) throw BundleError("ONNX Runtime has no version 1 of its functions.");
    }

    const void* const* table_;
};

/// What a function made, which the one in `Place` releases.
template <std::size_t Place>
struct Release {
    void operator()(void* made) const { Api::get().release(Place, made); }
};
template <std::size_t Place>
using Owned = std::unique_ptr<void, Release<Place>>;

}  // namespace detail::ort

/// An ONNX model of a bundle, on the CPU. One thread at a time runs it.
class OnnxModel {
public:
    /// @param content the bytes of the `.onnx` file
    /// @param part its edges, as `on_onnx` gives them
    /// @throws BundleError if ONNX Runtime refuses the model
    OnnxModel(Bytes content, Part part) : part_(std::move(part)) {
        const Api& api = Api::get();
        void* made = nullptr;
        api.call(Api::create_env, "start", 4, "kerasae", &made);  // 4: fatal errors are logged
        env_.reset(made);
        api.call(Api::create_options, "make options", &made);
        const detail::ort::Owned<Api::release_options> options(made);
        api.call(Api::set_threads, "choose threads", made, 1);
        api.call(Api::create_session_from_array, "read the model", env_.get(),
                 static_cast<const void*>(content.data()), content.size(),
                 static_cast<const void*>(options.get()), &made);
        session_.reset(made);
        for (const std::size_t count : {Api::input_count, Api::output_count}) {
            std::size_t found = 0;
            api.call(count, "count edges", static_cast<const void*>(session_.get()), &found);
            if (found != 1) throw BundleError(part_.file + " must have one input and one output.");
        }
        api.call(Api::cpu_memory, "describe memory", 1, 0, &made);
        memory_.reset(made);
    }

    /// Run it once; see `Run`.
    void operator()(Bytes input, Span<std::uint8_t> output) {
        const Api& api = Api::get();
        const std::vector<std::int64_t> shape(part_.input.shape.begin(), part_.input.shape.end());
        void* value = nullptr;
        api.call(Api::create_tensor, "take an input", static_cast<const void*>(memory_.get()),
                 const_cast<void*>(static_cast<const void*>(input.data())), input.size(),
                 shape.data(), shape.size(), type_of(part_.input), &value);
        const detail::ort::Owned<Api::release_value> in(value);
        const void* given = in.get();
        const char* input_name = "input";
        const char* output_name = "output_0";
        void* result = nullptr;
        api.call(Api::run, "run the model", session_.get(), static_cast<const void*>(nullptr),
                 &input_name, &given, std::size_t{1}, &output_name, std::size_t{1}, &result);
        const detail::ort::Owned<Api::release_value> out(result);
        check_output(result, output.size());
        void* data = nullptr;
        api.call(Api::tensor_data, "give an output", result, &data);
        std::memcpy(output.data(), data, output.size());
    }

private:
    using Api = detail::ort::Api;

    static int type_of(const Edge& edge) { return edge.dtype == DType::int32 ? 6 : 1; }

    void check_output(void* result, std::size_t bytes) const {
        const Api& api = Api::get();
        void* shape = nullptr;
        api.call(Api::tensor_shape, "describe an output", static_cast<const void*>(result), &shape);
        const detail::ort::Owned<Api::release_shape> owned(shape);
        int type = 0;
        std::size_t count = 0;
        api.call(Api::element_type, "describe an output", static_cast<const void*>(shape), &type);
        api.call(Api::element_count, "describe an output", static_cast<const void*>(shape), &count);
        if (type != type_of(part_.output) || 4 * count != bytes)
            throw BundleError(part_.file + " gives other values than the manifest says.");
    }

    // In this order, since each needs those above it.
    Part part_;
    detail::ort::Owned<Api::release_env> env_;
    detail::ort::Owned<Api::release_session> session_;
    detail::ort::Owned<Api::release_memory> memory_;
};

/// The codec of a bundle's folder, which runs its ONNX models.
///
/// @throws BundleError if it has none
inline Codec load_onnx_codec(const std::filesystem::path& folder, Limits limits = {}) {
    const Bundle bundle = load_bundle(folder);
    const Manifest manifest = on_onnx(bundle.manifest);
    const auto run = [&bundle](const Part& part) -> Run {
        const auto model = std::make_shared<OnnxModel>(bundle.files.at(part.file), part);
        return [model](Bytes input, Span<std::uint8_t> output) { (*model)(input, output); };
    };
    return Codec(manifest, run(manifest.encoder), run(manifest.decoder), limits);
}

}  // namespace kerasae
