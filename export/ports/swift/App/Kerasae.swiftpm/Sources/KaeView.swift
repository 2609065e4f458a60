import PhotosUI
import SwiftUI
import UniformTypeIdentifiers

struct KaeView: View {
    @ObservedObject var model: KaeModel
    @State private var chosen: PhotosPickerItem?
    @State private var taking = false
    @State private var opening = false

    var body: some View {
        NavigationStack {
            ScrollView {
                VStack(alignment: .leading, spacing: 16) {
                    sources
                    codecs
                    if model.original != nil { QualityView(model: model) }
                    if model.working { ProgressView().frame(maxWidth: .infinity) }
                    if let message = model.message { Text(message).foregroundStyle(.red) }
                    pictures
                }
                .padding()
            }
            .navigationTitle("Kerasae")
        }
        .onChange(of: chosen) { item in
            Task {
                guard let data = try? await item?.loadTransferable(type: Data.self) else { return }
                model.open(data)
            }
        }
        .fullScreenCover(isPresented: $taking) {
            CameraView { data in
                taking = false
                if let data { model.open(data) }
            }
        }
        .fileImporter(isPresented: $opening, allowedContentTypes: [.kae, .folder]) { result in
            switch result {
            case .success(let url): model.receive(url)
            case .failure(let error): model.tell(error.localizedDescription)
            }
        }
    }

    private var sources: some View {
        HStack {
            Button("Camera") { taking = true }
                .buttonStyle(.borderedProminent)
                .disabled(!CameraView.isThere)
            PhotosPicker("Gallery", selection: $chosen, matching: .images)
                .buttonStyle(.borderedProminent)
            Button("Open") { opening = true }
                .buttonStyle(.bordered)
        }
    }

    private var codecs: some View {
        Picker("Codec", selection: Binding(get: { model.choice }, set: { model.choose($0) })) {
            ForEach(model.choices) { Text($0.name).tag($0) }
        }
        .pickerStyle(.menu)
    }

    @ViewBuilder private var pictures: some View {
        if let kae = model.kae {
            PictureView(title: model.jpeg == nil ? "Received" : "Kerasae", shown: kae)
            if let jpeg = model.jpeg { PictureView(title: "JPEG of that size", shown: jpeg) }
            if let file = model.file {
                ShareLink("Share as .kae", item: file)
                    .frame(maxWidth: .infinity)
                    .buttonStyle(.borderedProminent)
            }
        } else if !model.working {
            Text("Take a picture or choose one: it is compressed here, on the device, and compared with JPEG.")
                .foregroundStyle(.secondary)
        }
    }
}

private struct QualityView: View {
    @ObservedObject var model: KaeModel
    @State private var moved: Double?

    var body: some View {
        if model.choice.qualities > 1 {
            VStack(alignment: .leading) {
                Text("Quality \(Int(moved ?? Double(model.quality))) of \(model.choice.qualities)")
                Slider(
                    value: Binding(get: { moved ?? Double(model.quality) }, set: { moved = $0 }),
                    in: 1...Double(model.choice.qualities), step: 1
                ) { editing in
                    if !editing, let value = moved {
                        moved = nil
                        model.set(quality: Int(value))
                    }
                }
            }
        }
    }
}

private struct PictureView: View {
    let title: String
    let shown: Shown

    var body: some View {
        VStack(alignment: .leading) {
            Text("\(title) · \(shown.bytes.formatted()) bytes").font(.headline)
            Image(decorative: shown.picture, scale: 1)
                .resizable()
                .scaledToFit()
                .clipShape(RoundedRectangle(cornerRadius: 12))
                .accessibilityLabel(title)
        }
    }
}

extension UTType {
    fileprivate static let kae = UTType(exportedAs: "kerasae.picture")
}
