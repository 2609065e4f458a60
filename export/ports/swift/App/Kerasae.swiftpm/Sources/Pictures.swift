@preconcurrency import CoreGraphics
import Foundation
import UIKit

/// What a file or a picture must be, as a person reads it.
struct PictureError: LocalizedError {
    let errorDescription: String?
}

/// A picture, upright, at most so many pixels along its longer side.
func readPicture(_ data: Data, longest: Double = 2048) throws -> CGImage {
    guard let image = UIImage(data: data), image.size.width > 0, image.size.height > 0 else {
        throw PictureError(errorDescription: "This is not a picture that can be read.")
    }
    let (width, height) = (image.size.width * image.scale, image.size.height * image.scale)
    let factor = min(1, longest / max(width, height))
    let size = CGSize(width: max(1, (width * factor).rounded()), height: max(1, (height * factor).rounded()))
    let format = UIGraphicsImageRendererFormat()
    format.scale = 1
    let drawn = UIGraphicsImageRenderer(size: size, format: format).image { _ in
        image.draw(in: CGRect(origin: .zero, size: size))
    }
    guard let picture = drawn.cgImage else { throw PictureError(errorDescription: "The picture cannot be drawn.") }
    return picture
}

func jpeg(_ picture: CGImage, quality: Double) throws -> Data {
    guard let data = UIImage(cgImage: picture).jpegData(compressionQuality: quality) else {
        throw PictureError(errorDescription: "The picture cannot be written as JPEG.")
    }
    return data
}

/// The best JPEG of at most so many bytes; that of the lowest quality where none is so small.
func bestJPEG(of picture: CGImage, bytes: Int) throws -> Data {
    var best = try jpeg(picture, quality: 0)
    var (low, high) = (1, 100)
    while low <= high {
        try Task.checkCancellation()
        let quality = (low + high) / 2
        let found = try jpeg(picture, quality: Double(quality) / 100)
        if found.count <= bytes {
            best = found
            low = quality + 1
        } else {
            high = quality - 1
        }
    }
    return best
}
