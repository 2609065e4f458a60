plugins {
    id("com.android.application")
    kotlin("android")
    kotlin("plugin.compose")
}

kotlin {
    jvmToolchain(17)
}

android {
    namespace = "kerasae.app"
    compileSdk = 36
    defaultConfig {
        applicationId = "kerasae.app"
        minSdk = 28
        targetSdk = 36
        versionCode = 1
        versionName = "0.1"
    }
    // A bundle of models goes into src/main/assets/bundle; without one the app has photographs only.
    androidResources {
        noCompress += "tflite"
    }
    buildFeatures {
        compose = true
    }
    buildTypes {
        release {
            isMinifyEnabled = true
        }
    }
}

dependencies {
    implementation(project(":android"))
    implementation(platform("androidx.compose:compose-bom:2025.09.00"))
    implementation("androidx.compose.material3:material3")
    implementation("androidx.activity:activity-compose:1.11.0")
    implementation("androidx.lifecycle:lifecycle-viewmodel-compose:2.9.4")
    implementation("androidx.core:core-ktx:1.17.0")
}
