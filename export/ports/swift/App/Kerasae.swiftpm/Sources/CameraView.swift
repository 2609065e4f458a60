import SwiftUI
import UIKit

/// The system's camera; it gives the picture that was taken as JPEG of the highest quality, or nothing.
struct CameraView: UIViewControllerRepresentable {
    @MainActor static var isThere: Bool { UIImagePickerController.isSourceTypeAvailable(.camera) }

    let onTaken: (Data?) -> Void

    func makeUIViewController(context: Context) -> UIImagePickerController {
        let controller = UIImagePickerController()
        controller.sourceType = .camera
        controller.delegate = context.coordinator
        return controller
    }

    func updateUIViewController(_ controller: UIImagePickerController, context: Context) {}

    func makeCoordinator() -> Coordinator {
        Coordinator(onTaken)
    }

    @MainActor
    final class Coordinator: NSObject, UIImagePickerControllerDelegate, UINavigationControllerDelegate {
        private let onTaken: (Data?) -> Void

        init(_ onTaken: @escaping (Data?) -> Void) {
            self.onTaken = onTaken
        }

        func imagePickerController(
            _ picker: UIImagePickerController, didFinishPickingMediaWithInfo info: [UIImagePickerController.InfoKey: Any]
        ) {
            onTaken((info[.originalImage] as? UIImage)?.jpegData(compressionQuality: 1))
        }

        func imagePickerControllerDidCancel(_ picker: UIImagePickerController) {
            onTaken(nil)
        }
    }
}
