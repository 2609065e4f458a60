// What kerasae uses of CoreGraphics, for the compiler only, where there is none.
import Foundation

public final class CGColorSpace {
    public static var sRGB: String { fatalError() }

    public init?(name: String) { fatalError() }
}

public enum CGImageAlphaInfo: UInt32 {
    case none, noneSkipLast
}

public final class CGImage {
    public var width: Int { fatalError() }
    public var height: Int { fatalError() }
}

public final class CGContext {
    public init?(
        data: UnsafeMutableRawPointer?, width: Int, height: Int, bitsPerComponent: Int, bytesPerRow: Int,
        space: CGColorSpace, bitmapInfo: UInt32
    ) { fatalError() }

    public func draw(_ image: CGImage, in rect: CGRect) {}

    public func makeImage() -> CGImage? { fatalError() }
}
