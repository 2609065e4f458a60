// swift-tools-version: 6.0
import AppleProductTypes
import PackageDescription

// Open this folder in Xcode 16 or later, and run.
let package = Package(
    name: "Kerasae",
    platforms: [.iOS("16.0")],
    products: [
        .iOSApplication(
            name: "Kerasae",
            targets: ["App"],
            bundleIdentifier: "kerasae.app",
            displayVersion: "0.1",
            bundleVersion: "1",
            appIcon: .placeholder(icon: .camera),
            accentColor: .presetColor(.teal),
            supportedDeviceFamilies: [.pad, .phone],
            supportedInterfaceOrientations: [.portrait, .landscapeLeft, .landscapeRight],
            capabilities: [.camera(purposeString: "A picture that you take is compressed on this device.")],
            additionalInfoPlistContentFilePath: "Info.plist"
        )
    ],
    dependencies: [.package(name: "kerasae", path: "../..")],
    targets: [
        // A bundle of models goes into the folder Sources/bundle; add `resources: [.copy("bundle")]` then.
        .executableTarget(
            name: "App",
            dependencies: [
                .product(name: "Kerasae", package: "kerasae"),
                .product(name: "KerasaePhotographs", package: "kerasae"),
                .product(name: "KerasaeApple", package: "kerasae"),
            ],
            path: "Sources")
    ]
)
