plugins {
    kotlin("jvm") version "2.4.20" apply false
    kotlin("plugin.compose") version "2.4.20" apply false
    id("com.android.library") version "9.3.0" apply false
    id("com.android.application") version "9.3.0" apply false
}
