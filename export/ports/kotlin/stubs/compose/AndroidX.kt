// What the app uses of AndroidX, for the compiler only: activities, results, view models, file provider.
@file:Suppress("UNUSED_PARAMETER", "unused")

package androidx.activity

import android.content.Context
import android.content.Intent
import android.os.Bundle
import androidx.activity.result.ActivityResultLauncher
import androidx.activity.result.contract.ActivityResultContract
import androidx.lifecycle.LifecycleOwner
import androidx.lifecycle.ViewModel

open class ComponentActivity : Context(), LifecycleOwner {
    val intent: Intent get() = throw NotImplementedError()

    open fun onCreate(savedInstanceState: Bundle?) {}

    open fun onNewIntent(intent: Intent) {}

    open fun onSaveInstanceState(outState: Bundle) {}

    fun <I, O> registerForActivityResult(
        contract: ActivityResultContract<I, O>, callback: (O) -> Unit,
    ): ActivityResultLauncher<I> = throw NotImplementedError()
}

inline fun <reified VM : ViewModel> ComponentActivity.viewModels(): Lazy<VM> = throw NotImplementedError()
