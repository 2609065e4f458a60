@file:Suppress("UNUSED_PARAMETER", "unused")

package androidx.lifecycle

import android.app.Application
import kotlinx.coroutines.CoroutineScope

interface LifecycleOwner

val LifecycleOwner.lifecycleScope: CoroutineScope get() = throw NotImplementedError()

abstract class ViewModel

val ViewModel.viewModelScope: CoroutineScope get() = throw NotImplementedError()

open class AndroidViewModel(application: Application) : ViewModel() {
    fun <T : Application> getApplication(): T = throw NotImplementedError()
}
