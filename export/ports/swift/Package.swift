// swift-tools-version: 6.0
import PackageDescription

// The tables of photographs are copies of those of the Python package, since Swift's package manager takes no
// resources from elsewhere; tests/test_swift.py holds that they are the same.
let package = Package(
    name: "kerasae",
    platforms: [.iOS(.v16), .macOS(.v13)],
    products: [
        .library(name: "Kerasae", targets: ["Kerasae"]),
        .library(name: "KerasaePhotographs", targets: ["KerasaePhotographs"]),
        .library(name: "KerasaeApple", targets: ["KerasaeApple"]),
    ],
    dependencies: [
        .package(url: "https://github.com/google-ai-edge/LiteRT.git", branch: "main")
    ],
    targets: [
        .target(name: "Kerasae"),
        .target(
            name: "KerasaePhotographs", dependencies: ["Kerasae"],
            resources: [.copy("photo-1.json"), .copy("photo-2.json")]),
        .target(
            name: "KerasaeApple",
            dependencies: [
                "Kerasae", "KerasaePhotographs", .product(name: "LiteRT", package: "LiteRT"),
            ]),
        .executableTarget(name: "kerasae-check", dependencies: ["Kerasae", "KerasaePhotographs"]),
    ]
)
