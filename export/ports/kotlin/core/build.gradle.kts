plugins {
    kotlin("jvm")
}

kotlin {
    jvmToolchain(17)
}

dependencies {
    api("org.jetbrains.kotlinx:kotlinx-coroutines-core:1.10.2")
}

// The tables of photographs go into the JAR from where they lie in the repository.
tasks.processResources {
    from("../../../kerasae_export/photo/families") {
        include("*/family.json")
        into("kerasae")
    }
}

// gradle :core:conformance and :core:checks
for ((name, words) in mapOf("checks" to listOf("checks"), "conformance" to listOf("conformance", "../../conformance"))) {
    tasks.register<JavaExec>(name) {
        group = "verification"
        mainClass = "kerasae.MainKt"
        classpath = sourceSets["test"].runtimeClasspath
        args(words)
    }
}
tasks.check {
    dependsOn("checks", "conformance")
}
