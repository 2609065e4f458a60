// For the compiler only.

public struct UTType: Sendable {
    public static let folder = UTType(exportedAs: "public.folder")

    public init(exportedAs identifier: String) {}
}
