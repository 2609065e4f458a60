import CoreGraphics
import Foundation
import Kerasae

/// Draw into, or from, the memory of a picture of red, green, blue and a byte that is not used.
private func withContext<Result>(
    _ memory: inout [UInt8], _ height: Int, _ width: Int, _ work: (CGContext) -> Result?
) -> Result? {
    memory.withUnsafeMutableBytes { bytes in
        guard let space = CGColorSpace(name: CGColorSpace.sRGB),
            let context = CGContext(
                data: bytes.baseAddress, width: width, height: height, bitsPerComponent: 8, bytesPerRow: 4 * width,
                space: space, bitmapInfo: CGImageAlphaInfo.noneSkipLast.rawValue)
        else { return nil }
        return work(context)
    }
}

extension Image {
    /// The pixels of a picture; what is transparent lies on white.
    ///
    /// - Parameter channels: 3, red, green and blue, or 1, grey (ITU-R 601).
    public init(_ picture: CGImage, channels: Int = 3) throws {
        guard channels == 1 || channels == 3 else {
            throw KerasaeError.argument("`channels` must be 1 or 3. Received: channels=\(channels)")
        }
        let (height, width) = (picture.height, picture.width)
        var drawn = [UInt8](repeating: 255, count: 4 * height * width)
        let done: Void? = withContext(&drawn, height, width) { context in
            context.draw(picture, in: CGRect(x: 0, y: 0, width: width, height: height))
        }
        if done == nil { throw KerasaeError.argument("`picture` must be one that can be drawn as RGB.") }
        var data: [UInt8] = []
        data.reserveCapacity(channels * height * width)
        for at in stride(from: 0, to: drawn.count, by: 4) {
            if channels == 3 {
                data += drawn[at..<at + 3]
            } else {
                let (red, green, blue) = (Int(drawn[at]), Int(drawn[at + 1]), Int(drawn[at + 2]))
                data.append(UInt8((19595 * red + 38470 * green + 7471 * blue + 32768) >> 16))
            }
        }
        self.init(data: data, height: height, width: width)
    }

    /// The picture of an image of one or three channels.
    public func picture() throws -> CGImage {
        let channels = data.count / (height * width)
        var drawn = [UInt8](repeating: 255, count: 4 * height * width)
        for pixel in 0..<height * width {
            for c in 0..<3 { drawn[4 * pixel + c] = data[channels * pixel + min(c, channels - 1)] }
        }
        guard let picture = withContext(&drawn, height, width, { $0.makeImage() }) else {
            throw KerasaeError.argument("The image must be one that can be drawn as RGB.")
        }
        return picture
    }
}
