plugins {
    id("com.android.library")
    kotlin("android")
}

kotlin {
    jvmToolchain(17)
}

android {
    namespace = "kerasae.android"
    compileSdk = 36
    defaultConfig {
        minSdk = 26
    }
}

dependencies {
    api(project(":core"))
    api("com.google.ai.edge.litert:litert:2.1.0")
    implementation("org.jetbrains.kotlinx:kotlinx-coroutines-android:1.10.2")
}
