// For the compiler only.
import Foundation
import SwiftUI

public struct PhotosPickerItem: Equatable, Sendable {
    public func loadTransferable(type: Data.Type) async throws -> Data? { fatalError() }
}

public struct PHPickerFilter: Sendable {
    public static let images = PHPickerFilter()
}

public struct PhotosPicker: View {
    public init(_ title: String, selection: Binding<PhotosPickerItem?>, matching filter: PHPickerFilter?) {}

    public var body: Never { fatalError() }
}
