import SwiftUI

@main
struct KaeApp: App {
    @StateObject private var model = KaeModel()

    var body: some Scene {
        WindowGroup {
            KaeView(model: model)
                .onOpenURL { model.receive($0) }
        }
    }
}
