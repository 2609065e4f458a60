// Runs the models of a bundle with LiteRT's C functions, version 2 of `libLiteRt.so`, which the wheel
// `ai-edge-litert` holds for x86-64 and aarch64, without headers: what is used is declared here. It is
// not part of kerasae.hpp, since a program that includes it has to be linked with that library.
#pragma once

#include <memory>

#include "bundle.hpp"
#include "codec.hpp"

extern "C" {
using LiteRtStatus = int;  // 0 is success
struct LiteRtEnvironmentT;
struct LiteRtModelT;
struct LiteRtOptionsT;
struct LiteRtCompiledModelT;
struct LiteRtSignatureT;
struct LiteRtTensorT;
struct LiteRtTensorBufferT;
struct LiteRtTensorBufferRequirementsT;

LiteRtStatus LiteRtCreateEnvironment(int, const void* options, LiteRtEnvironmentT**);
void LiteRtDestroyEnvironment(LiteRtEnvironmentT*);
LiteRtStatus LiteRtCreateModelFromBuffer(LiteRtEnvironmentT*, const void*, std::size_t,
                                         LiteRtModelT**);
void LiteRtDestroyModel(LiteRtModelT*);
LiteRtStatus LiteRtCreateOptions(LiteRtOptionsT**);
LiteRtStatus LiteRtSetOptionsHardwareAccelerators(LiteRtOptionsT*, int accelerators);
void LiteRtDestroyOptions(LiteRtOptionsT*);
LiteRtStatus LiteRtCreateCompiledModel(LiteRtEnvironmentT*, LiteRtModelT*, LiteRtOptionsT*,
                                       LiteRtCompiledModelT**);
void LiteRtDestroyCompiledModel(LiteRtCompiledModelT*);
LiteRtStatus LiteRtGetNumModelSignatures(LiteRtModelT*, std::size_t*);
LiteRtStatus LiteRtGetModelSignature(LiteRtModelT*, std::size_t, LiteRtSignatureT**);
LiteRtStatus LiteRtGetSignatureKey(LiteRtSignatureT*, const char**);
LiteRtStatus LiteRtGetSignatureInputTensorByIndex(LiteRtSignatureT*, std::size_t, LiteRtTensorT**);
LiteRtStatus LiteRtGetSignatureOutputTensorByIndex(LiteRtSignatureT*, std::size_t, LiteRtTensorT**);
LiteRtStatus LiteRtGetRankedTensorType(LiteRtTensorT*, void* type);
LiteRtStatus LiteRtGetCompiledModelInputBufferRequirements(LiteRtCompiledModelT*, std::size_t,
                                                           std::size_t,
                                                           LiteRtTensorBufferRequirementsT**);
LiteRtStatus LiteRtGetCompiledModelOutputBufferRequirements(LiteRtCompiledModelT*, std::size_t,
                                                            std::size_t,
                                                            LiteRtTensorBufferRequirementsT**);
LiteRtStatus LiteRtCreateManagedTensorBufferFromRequirements(LiteRtEnvironmentT*, const void* type,
                                                             LiteRtTensorBufferRequirementsT*,
                                                             LiteRtTensorBufferT**);
LiteRtStatus LiteRtGetTensorBufferPackedSize(LiteRtTensorBufferT*, std::size_t*);
LiteRtStatus LiteRtLockTensorBuffer(LiteRtTensorBufferT*, void**, int mode);
LiteRtStatus LiteRtUnlockTensorBuffer(LiteRtTensorBufferT*);
LiteRtStatus LiteRtRunCompiledModel(LiteRtCompiledModelT*, std::size_t signature, std::size_t,
                                    LiteRtTensorBufferT**, std::size_t, LiteRtTensorBufferT**);
void LiteRtDestroyTensorBuffer(LiteRtTensorBufferT*);
}

namespace kerasae {

namespace detail {

inline void check_litert(LiteRtStatus status, const char* what) {
    if (status != 0)
        throw BundleError(std::string("LiteRT could not ") + what + ": status " +
                          std::to_string(status) + ".");
}

/// Owns what a function of LiteRT made.
template <class T, void (*Destroy)(T*)>
struct Destroyer {
    void operator()(T* made) const { Destroy(made); }
};
template <class T, void (*Destroy)(T*)>
using Owned = std::unique_ptr<T, Destroyer<T, Destroy>>;

using LiteRtBuffer = Owned<LiteRtTensorBufferT, LiteRtDestroyTensorBuffer>;

}  // namespace detail

/// A model of a bundle, on the CPU with one signature. One thread at a time runs it.
class LiteRtModel {
public:
    /// @param content the bytes of the `.tflite` file, which the model copies
    /// @param part what the manifest says of it
    /// @throws BundleError if LiteRT refuses the model, or its edges have other sizes
    LiteRtModel(Bytes content, const Part& part) : content_(content.begin(), content.end()) {
        using namespace detail;
        LiteRtEnvironmentT* environment = nullptr;
        check_litert(LiteRtCreateEnvironment(0, nullptr, &environment), "start");
        environment_.reset(environment);
        ::LiteRtModelT* model = nullptr;
        check_litert(LiteRtCreateModelFromBuffer(environment, content_.data(), content_.size(),
                                                 &model),
                     "read the model");
        model_.reset(model);
        LiteRtOptionsT* options = nullptr;
        check_litert(LiteRtCreateOptions(&options), "make options");
        const Owned<LiteRtOptionsT, LiteRtDestroyOptions> owned(options);
        check_litert(LiteRtSetOptionsHardwareAccelerators(options, cpu), "choose the CPU");
        LiteRtCompiledModelT* compiled = nullptr;
        check_litert(LiteRtCreateCompiledModel(environment, model, options, &compiled),
                     "compile the model");
        compiled_.reset(compiled);
        signature_ = find_signature(part.signature);
        input_ = make_buffer(LiteRtGetSignatureInputTensorByIndex,
                             LiteRtGetCompiledModelInputBufferRequirements, part.input);
        output_ = make_buffer(LiteRtGetSignatureOutputTensorByIndex,
                              LiteRtGetCompiledModelOutputBufferRequirements, part.output);
    }

    /// Run it once; see `Run`.
    void operator()(Bytes input, Span<std::uint8_t> output) {
        using namespace detail;
        void* memory = nullptr;
        check_litert(LiteRtLockTensorBuffer(input_.get(), &memory, writing), "take an input");
        std::memcpy(memory, input.data(), input.size());
        check_litert(LiteRtUnlockTensorBuffer(input_.get()), "take an input");
        LiteRtTensorBufferT* in = input_.get();
        LiteRtTensorBufferT* out = output_.get();
        check_litert(LiteRtRunCompiledModel(compiled_.get(), signature_, 1, &in, 1, &out),
                     "run the model");
        check_litert(LiteRtLockTensorBuffer(out, &memory, reading), "give an output");
        std::memcpy(output.data(), memory, output.size());
        check_litert(LiteRtUnlockTensorBuffer(out), "give an output");
    }

private:
    static constexpr int cpu = 1, reading = 0, writing = 1;  // values of LiteRT's enumerations

    std::size_t find_signature(const std::optional<std::string>& name) const {
        std::size_t count = 0;
        detail::check_litert(LiteRtGetNumModelSignatures(model_.get(), &count), "list signatures");
        for (std::size_t i = 0; i < count; ++i) {
            const char* key = nullptr;
            detail::check_litert(LiteRtGetSignatureKey(signature(i), &key), "name a signature");
            if (!name || *name == key) return i;
        }
        throw BundleError("The model has no signature `" + name.value_or("") + "`.");
    }

    LiteRtSignatureT* signature(std::size_t i) const {
        LiteRtSignatureT* found = nullptr;
        detail::check_litert(LiteRtGetModelSignature(model_.get(), i, &found), "find a signature");
        return found;
    }

    template <class TensorOf, class RequirementsOf>
    detail::LiteRtBuffer make_buffer(TensorOf tensor_of, RequirementsOf requirements_of,
                                     const Edge& edge) const {
        using detail::check_litert;
        LiteRtTensorT* tensor = nullptr;
        check_litert(tensor_of(signature(signature_), 0, &tensor), "find a tensor");
        std::array<std::uint64_t, 64> type{};  // room for LiteRT's description, which is passed on
        check_litert(LiteRtGetRankedTensorType(tensor, type.data()), "describe a tensor");
        LiteRtTensorBufferRequirementsT* requirements = nullptr;
        check_litert(requirements_of(compiled_.get(), signature_, 0, &requirements),
                     "say what a tensor needs");
        LiteRtTensorBufferT* made = nullptr;
        check_litert(LiteRtCreateManagedTensorBufferFromRequirements(
                         environment_.get(), type.data(), requirements, &made),
                     "make a tensor");
        detail::LiteRtBuffer buffer(made);
        std::size_t size = 0;
        check_litert(LiteRtGetTensorBufferPackedSize(made, &size), "measure a tensor");
        if (size != Tensor(edge).bytes().size())
            throw BundleError("The model takes or gives " + std::to_string(size) +
                              " bytes, which is not what the manifest says.");
        return buffer;
    }

    // In this order, since each needs those above it.
    ByteVector content_;
    detail::Owned<LiteRtEnvironmentT, LiteRtDestroyEnvironment> environment_;
    detail::Owned<LiteRtModelT, LiteRtDestroyModel> model_;
    detail::Owned<LiteRtCompiledModelT, LiteRtDestroyCompiledModel> compiled_;
    std::size_t signature_ = 0;
    detail::LiteRtBuffer input_, output_;
};

/// The codec of a bundle's folder, which runs its models.
inline Codec load_codec(const std::filesystem::path& folder, Limits limits = {}) {
    const Bundle bundle = load_bundle(folder);
    const auto run = [&bundle](const Part& part) -> Run {
        const auto model = std::make_shared<LiteRtModel>(bundle.files.at(part.file), part);
        return [model](Bytes input, Span<std::uint8_t> output) { (*model)(input, output); };
    };
    return Codec(bundle.manifest, run(bundle.manifest.encoder), run(bundle.manifest.decoder),
                 limits);
}

}  // namespace kerasae
