// Models on a computer: src/main/cpp is compiled with
//     g++ -std=c++17 -O2 -shared -fPIC -I ../../cpp/include -I $JAVA_HOME/include -I $JAVA_HOME/include/linux \
//         src/main/cpp/jni.cpp libLiteRt.so -o libkerasae_jni.so
plugins {
    kotlin("jvm")
}

kotlin {
    jvmToolchain(17)
}

dependencies {
    api(project(":core"))
}
