// What the app uses of SwiftUI, for the compiler only.
@_exported import Foundation
import CoreGraphics
import UIKit
import UniformTypeIdentifiers

@MainActor public protocol View {
    associatedtype Body: View
    @ViewBuilder var body: Body { get }
}

extension Never: View {
    public var body: Never { fatalError() }
}

public struct EmptyView: View {
    nonisolated public init() {}

    public var body: Never { fatalError() }
}

/// What all modifiers give here.
public struct Modified: View {
    public var body: Never { fatalError() }
}

public struct Group2<each Part: View>: View {
    nonisolated init(_ parts: repeat each Part) {}

    public var body: Never { fatalError() }
}

public struct Either<First: View, Second: View>: View {
    public var body: Never { fatalError() }
}

extension Optional: View where Wrapped: View {
    public var body: Never { fatalError() }
}

@resultBuilder public struct ViewBuilder {
    public static func buildBlock() -> EmptyView { EmptyView() }

    public static func buildBlock<Content: View>(_ content: Content) -> Content { content }

    public static func buildBlock<each Content: View>(_ content: repeat each Content) -> Group2<repeat each Content> {
        Group2(repeat each content)
    }

    public static func buildIf<Content: View>(_ content: Content?) -> Content? { content }

    public static func buildEither<First: View, Second: View>(first: First) -> Either<First, Second> { fatalError() }

    public static func buildEither<First: View, Second: View>(second: Second) -> Either<First, Second> { fatalError() }

    public static func buildExpression<Content: View>(_ content: Content) -> Content { content }
}

@MainActor public protocol Scene {
    associatedtype Body: Scene
    var body: Body { get }
}

extension Never: Scene {}

@MainActor public protocol App {
    associatedtype Body: Scene
    var body: Body { get }
    init()
}

extension App {
    public static func main() { fatalError() }
}

public struct WindowGroup<Content: View>: Scene {
    public init(@ViewBuilder content: () -> Content) {}

    public var body: Never { fatalError() }
}

public protocol ObservableObject: AnyObject {}

@propertyWrapper public struct Published<Value> {
    public var wrappedValue: Value

    public init(wrappedValue: Value) { self.wrappedValue = wrappedValue }
}

@MainActor @propertyWrapper public struct State<Value> {
    public var wrappedValue: Value {
        get { fatalError() }
        nonmutating set {}
    }
    public var projectedValue: Binding<Value> { fatalError() }

    public init(wrappedValue: Value) {}
}

extension State where Value: ExpressibleByNilLiteral {
    public init() { fatalError() }
}

@MainActor @propertyWrapper public struct StateObject<Object: ObservableObject> {
    public var wrappedValue: Object { fatalError() }

    public init(wrappedValue: @autoclosure @escaping @MainActor () -> Object) {}
}

@MainActor @propertyWrapper public struct ObservedObject<Object: ObservableObject> {
    public var wrappedValue: Object

    public init(wrappedValue: Object) { self.wrappedValue = wrappedValue }
}

public struct Binding<Value> {
    public init(get: @escaping @MainActor () -> Value, set: @escaping @MainActor (Value) -> Void) {}
}

public struct Color: Sendable {
    public static let red = Color()
    public static let secondary = Color()
}

public struct Font: Sendable {
    public static let headline = Font()
}

public enum HorizontalAlignment { case leading, center }

public struct RoundedRectangle {
    public init(cornerRadius: CGFloat) {}
}

public struct BorderedStyle: Sendable {
    public static let bordered = BorderedStyle()
    public static let borderedProminent = BorderedStyle()
}

public struct MenuStyle: Sendable {
    public static let menu = MenuStyle()
}

extension View {
    public func padding() -> Modified { fatalError() }

    public func frame(maxWidth: CGFloat?) -> Modified { fatalError() }

    public func foregroundStyle(_ color: Color) -> Modified { fatalError() }

    public func font(_ font: Font) -> Modified { fatalError() }

    public func navigationTitle(_ title: String) -> Modified { fatalError() }

    public func buttonStyle(_ style: BorderedStyle) -> Modified { fatalError() }

    public func pickerStyle(_ style: MenuStyle) -> Modified { fatalError() }

    public func disabled(_ disabled: Bool) -> Modified { fatalError() }

    public func tag<Value: Hashable>(_ value: Value) -> Modified { fatalError() }

    public func scaledToFit() -> Modified { fatalError() }

    public func clipShape(_ shape: RoundedRectangle) -> Modified { fatalError() }

    public func accessibilityLabel(_ label: String) -> Modified { fatalError() }

    public func onOpenURL(perform action: @escaping (URL) -> Void) -> Modified { fatalError() }

    public func onChange<Value: Equatable>(of value: Value, perform action: @escaping (Value) -> Void) -> Modified {
        fatalError()
    }

    public func fullScreenCover<Content: View>(
        isPresented: Binding<Bool>, @ViewBuilder content: @escaping () -> Content
    ) -> Modified { fatalError() }

    public func fileImporter(
        isPresented: Binding<Bool>, allowedContentTypes: [UTType],
        onCompletion: @escaping (Result<URL, any Error>) -> Void
    ) -> Modified { fatalError() }
}

public struct Text: View {
    public init(_ text: String) {}

    public var body: Never { fatalError() }
}

public struct Image: View {
    public init(decorative picture: CGImage, scale: CGFloat) {}

    public func resizable() -> Image { self }

    public var body: Never { fatalError() }
}

public struct Button: View {
    public init(_ title: String, action: @escaping @MainActor () -> Void) {}

    public var body: Never { fatalError() }
}

public struct ProgressView: View {
    public init() {}

    public var body: Never { fatalError() }
}

public struct ShareLink: View {
    public init(_ title: String, item: URL) {}

    public var body: Never { fatalError() }
}

public struct VStack<Content: View>: View {
    public init(
        alignment: HorizontalAlignment = .center, spacing: CGFloat? = nil, @ViewBuilder content: () -> Content
    ) {}

    public var body: Never { fatalError() }
}

public struct HStack<Content: View>: View {
    public init(@ViewBuilder content: () -> Content) {}

    public var body: Never { fatalError() }
}

public struct ScrollView<Content: View>: View {
    public init(@ViewBuilder content: () -> Content) {}

    public var body: Never { fatalError() }
}

public struct NavigationStack<Content: View>: View {
    public init(@ViewBuilder root: () -> Content) {}

    public var body: Never { fatalError() }
}

public struct ForEach<Data: RandomAccessCollection, Content: View>: View where Data.Element: Identifiable {
    public init(_ data: Data, @ViewBuilder content: @escaping (Data.Element) -> Content) {}

    public var body: Never { fatalError() }
}

public struct Picker<Value: Hashable, Content: View>: View {
    public init(_ title: String, selection: Binding<Value>, @ViewBuilder content: () -> Content) {}

    public var body: Never { fatalError() }
}

public struct Slider: View {
    public init(
        value: Binding<Double>, in bounds: ClosedRange<Double>, step: Double, onEditingChanged: @escaping (Bool) -> Void
    ) {}

    public var body: Never { fatalError() }
}

@MainActor public protocol UIViewControllerRepresentable: View where Body == Never {
    associatedtype Controller: UIViewController
    associatedtype Coordinator
    typealias Context = RepresentableContext<Coordinator>

    func makeUIViewController(context: Context) -> Controller
    func updateUIViewController(_ controller: Controller, context: Context)
    func makeCoordinator() -> Coordinator
}

extension UIViewControllerRepresentable {
    public var body: Never { fatalError() }
}

@MainActor public struct RepresentableContext<Coordinator> {
    public var coordinator: Coordinator { fatalError() }
}
