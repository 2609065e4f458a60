// What Swift's package manager makes for a module with resources, for the compiler only.
import Foundation

extension Bundle {
    static var module: Bundle { fatalError() }
}
