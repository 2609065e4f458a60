// For the compiler only.
@_exported import CoreGraphics
@_exported import Foundation

public final class UIImage {
    public init?(data: Data) { fatalError() }

    public init(cgImage: CGImage) {}

    public var size: CGSize { fatalError() }
    public var scale: CGFloat { fatalError() }
    public var cgImage: CGImage? { fatalError() }

    public func draw(in rect: CGRect) {}

    public func jpegData(compressionQuality: CGFloat) -> Data? { fatalError() }
}

public final class UIGraphicsImageRendererFormat {
    public var scale: CGFloat = 1

    public init() {}
}

public final class UIGraphicsImageRendererContext {}

public final class UIGraphicsImageRenderer {
    public init(size: CGSize, format: UIGraphicsImageRendererFormat) {}

    public func image(actions: (UIGraphicsImageRendererContext) -> Void) -> UIImage { fatalError() }
}

@MainActor open class UIViewController {
    public init() {}
}

@MainActor public protocol UINavigationControllerDelegate: AnyObject {}

@MainActor public protocol UIImagePickerControllerDelegate: AnyObject {
    func imagePickerController(
        _ picker: UIImagePickerController, didFinishPickingMediaWithInfo info: [UIImagePickerController.InfoKey: Any])

    func imagePickerControllerDidCancel(_ picker: UIImagePickerController)
}

public final class UIImagePickerController: UIViewController {
    public enum SourceType { case camera }

    public struct InfoKey: Hashable, Sendable {
        public static let originalImage = InfoKey()
    }

    public static func isSourceTypeAvailable(_ type: SourceType) -> Bool { fatalError() }

    public var sourceType: SourceType = .camera
    public weak var delegate: (any UIImagePickerControllerDelegate & UINavigationControllerDelegate)?
}

// What Foundation has on Apple's systems alone.
extension URL {
    public func startAccessingSecurityScopedResource() -> Bool { fatalError() }

    public func stopAccessingSecurityScopedResource() {}
}
