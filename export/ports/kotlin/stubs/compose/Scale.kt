package androidx.compose.ui.layout

interface ContentScale {
    companion object {
        val Fit: ContentScale get() = throw NotImplementedError()
    }
}
