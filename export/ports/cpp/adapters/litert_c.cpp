#include "litert_c.h"

#include <kerasae/litert.hpp>

struct KerasaeModel {
    kerasae::LiteRtModel model;
    std::size_t input_size, output_size;  // bytes
};

namespace {

kerasae::Edge edge_of(int type, std::size_t count) {
    kerasae::Edge edge;
    edge.shape = {static_cast<std::uint32_t>(count)};
    edge.dtype = static_cast<kerasae::DType>(type);
    return edge;
}

void tell(const std::exception& exception, char* error, std::size_t size) {
    if (size == 0) return;
    std::strncpy(error, exception.what(), size - 1);
    error[size - 1] = '\0';
}

}  // namespace

extern "C" KerasaeModel* kerasae_model_open(const std::uint8_t* content, std::size_t size,
                                            const char* signature, int input_type,
                                            std::size_t input_count, int output_type,
                                            std::size_t output_count, char* error,
                                            std::size_t error_size) {
    try {
        kerasae::Part part;
        part.input = edge_of(input_type, input_count);
        part.output = edge_of(output_type, output_count);
        if (signature != nullptr) part.signature = signature;
        return new KerasaeModel{kerasae::LiteRtModel({content, size}, part),
                                kerasae::Tensor(part.input).bytes().size(),
                                kerasae::Tensor(part.output).bytes().size()};
    } catch (const std::exception& exception) {
        tell(exception, error, error_size);
        return nullptr;
    }
}

extern "C" int kerasae_model_run(KerasaeModel* model, const void* input, void* output, char* error,
                                 std::size_t error_size) {
    try {
        model->model({static_cast<const std::uint8_t*>(input), model->input_size},
                     {static_cast<std::uint8_t*>(output), model->output_size});
        return 0;
    } catch (const std::exception& exception) {
        tell(exception, error, error_size);
        return 1;
    }
}

extern "C" void kerasae_model_close(KerasaeModel* model) { delete model; }
