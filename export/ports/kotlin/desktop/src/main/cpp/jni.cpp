// Runs models for the JVM by the C++ adapter. Arrays are copied, since the JVM must not be held while a
// model runs.
#include <jni.h>

#include <cstring>
#include <vector>

#include "../../../../../cpp/adapters/litert_c.cpp"

namespace {

constexpr std::size_t message_size = 300;

void fail(JNIEnv* env, const char* message) {
    env->ThrowNew(env->FindClass("kerasae/BundleError"), message);
}

}  // namespace

extern "C" JNIEXPORT jlong JNICALL Java_kerasae_desktop_LiteRtModel_open(
    JNIEnv* env, jclass, jbyteArray content, jstring signature, jint input_type, jint input_count,
    jint output_type, jint output_count) {
    std::vector<std::uint8_t> bytes(static_cast<std::size_t>(env->GetArrayLength(content)));
    env->GetByteArrayRegion(content, 0, static_cast<jsize>(bytes.size()),
                            reinterpret_cast<jbyte*>(bytes.data()));
    const char* name = signature == nullptr ? nullptr : env->GetStringUTFChars(signature, nullptr);
    char error[message_size] = "";
    KerasaeModel* model = kerasae_model_open(
        bytes.data(), bytes.size(), name, input_type, static_cast<std::size_t>(input_count), output_type,
        static_cast<std::size_t>(output_count), error, sizeof error);
    if (name != nullptr) env->ReleaseStringUTFChars(signature, name);
    if (model == nullptr) fail(env, error);
    return reinterpret_cast<jlong>(model);
}

extern "C" JNIEXPORT void JNICALL Java_kerasae_desktop_LiteRtModel_run(JNIEnv* env, jclass, jlong handle,
                                                                     jobject input, jobject output) {
    auto* model = reinterpret_cast<KerasaeModel*>(handle);
    std::vector<std::uint8_t> in(model->input_size), out(model->output_size);
    const auto copy = [env](jobject array, auto&& work) {
        void* memory = env->GetPrimitiveArrayCritical(static_cast<jarray>(array), nullptr);
        work(memory);
        env->ReleasePrimitiveArrayCritical(static_cast<jarray>(array), memory, 0);
    };
    copy(input, [&in](const void* memory) { std::memcpy(in.data(), memory, in.size()); });
    char error[message_size] = "";
    if (kerasae_model_run(model, in.data(), out.data(), error, sizeof error) != 0) return fail(env, error);
    copy(output, [&out](void* memory) { std::memcpy(memory, out.data(), out.size()); });
}

extern "C" JNIEXPORT void JNICALL Java_kerasae_desktop_LiteRtModel_close(JNIEnv*, jclass, jlong handle) {
    kerasae_model_close(reinterpret_cast<KerasaeModel*>(handle));
}
