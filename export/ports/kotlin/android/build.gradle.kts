plugins {
    id("com.android.library")
}

android {
    namespace = "kerasae.android"
    compileSdk = 36
    defaultConfig {
        minSdk = 26
    }
    sourceSets["main"].kotlin.srcDir("src/main/kotlin")
    compileOptions {
        sourceCompatibility = JavaVersion.VERSION_17
        targetCompatibility = JavaVersion.VERSION_17
    }
}

dependencies {
    api(project(":core"))
    implementation("com.google.ai.edge.litert:litert:2.1.0")
    implementation("org.jetbrains.kotlinx:kotlinx-coroutines-android:1.10.2")
}
