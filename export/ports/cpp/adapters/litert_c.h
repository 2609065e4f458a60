/* A model of a bundle behind four C functions, for languages that call C: Kotlin by JNI, Swift by a module.
 * The implementation is litert_c.cpp, which is linked with libLiteRt.so. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct KerasaeModel KerasaeModel;

/* Types of values: bytes, float32, int32. */
enum { KERASAE_UINT8 = 0, KERASAE_FLOAT32 = 1, KERASAE_INT32 = 2 };

/* Open a model, whose bytes are copied. `signature` may be null. If it cannot be opened the result is null,
 * and `error` holds a sentence of at most `error_size` bytes. */
KerasaeModel* kerasae_model_open(const uint8_t* content, size_t size, const char* signature, int input_type,
                                 size_t input_count, int output_type, size_t output_count, char* error,
                                 size_t error_size);

/* Run it once, in one thread at a time: all values of its input, and of its output. 0, or 1 and `error`. */
int kerasae_model_run(KerasaeModel* model, const void* input, void* output, char* error, size_t error_size);

void kerasae_model_close(KerasaeModel* model);

#ifdef __cplusplus
}
#endif
