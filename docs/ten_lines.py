"""Every architecture once, in ten to twenty-five lines of plain Keras.

Each function or class here is an autoencoder as you would write it by hand, with `keras` alone, for
images of 28 x 28 grey pixels unless it says otherwise. `tests/test_ten_lines.py` copies the weights
of kerasae's builder into it and compares outputs and losses, on TensorFlow and JAX. The builders do
the same with more options, checks, export and saved files; here is what matters about each.
"""

import keras
from keras import layers, ops


def undercomplete(code_size=32):
    encoder = [
        layers.Flatten(),
        layers.Dense(128, "relu"),
        layers.Dense(64, "relu"),
        layers.Dense(code_size),  # the bottleneck: 784 pixels become 32 numbers
    ]
    decoder = [
        layers.Dense(64, "relu"),
        layers.Dense(128, "relu"),
        layers.Dense(784, "sigmoid"),  # each pixel between 0 and 1
        layers.Reshape((28, 28, 1)),
    ]
    encoder, decoder = keras.Sequential(encoder), keras.Sequential(decoder)
    model = keras.Sequential([keras.Input((28, 28, 1)), encoder, decoder])
    model.compile("adam", loss="binary_crossentropy")
    return model  # model.fit(images, images): the input is its own target


def overcomplete(code_size=1024, weight=1e-4):
    image = keras.Input((28, 28, 1))
    # More numbers than pixels: without the penalty the network could simply copy. Keras adds
    # weight * sum |code| to the loss, averaged over the batch.
    penalty = keras.regularizers.L1(weight)
    code = layers.Dense(code_size, "relu", activity_regularizer=penalty)(layers.Flatten()(image))
    pixels = layers.Dense(784, "sigmoid")(code)
    model = keras.Model(image, layers.Reshape((28, 28, 1))(pixels))
    model.compile("adam", loss="binary_crossentropy")
    return model


def sparse(code_size=1024, k=25):
    image = keras.Input((28, 28, 1))
    code = layers.Dense(code_size)(layers.Flatten()(image))
    # Top-k: the k largest values of each code stay, all others become 0. The gradient reaches the
    # winners only, so units specialise.
    smallest_winner = ops.top_k(code, k)[0][:, -1:]
    code = ops.where(code >= smallest_winner, code, 0.0)
    pixels = layers.Dense(784, "sigmoid")(code)
    model = keras.Model(image, layers.Reshape((28, 28, 1))(pixels))
    model.compile("adam", loss="binary_crossentropy")
    return model


def convolutional(code_size=32, channels=1):
    encoder = [
        layers.Conv2D(32, 3, strides=2, padding="same", activation="relu"),  # 14 x 14
        layers.Conv2D(64, 3, strides=2, padding="same", activation="relu"),  # 7 x 7
        layers.Flatten(),
        layers.Dense(code_size),
    ]
    decoder = [
        layers.Dense(7 * 7 * 64, "relu"),
        layers.Reshape((7, 7, 64)),
        layers.Conv2DTranspose(32, 3, strides=2, padding="same", activation="relu"),  # 14 x 14
        layers.Conv2DTranspose(1, 3, strides=2, padding="same", activation="sigmoid"),  # 28 x 28
    ]
    encoder, decoder = keras.Sequential(encoder), keras.Sequential(decoder)
    model = keras.Sequential([keras.Input((28, 28, channels)), encoder, decoder])
    model.compile("adam", loss="binary_crossentropy")
    return model


def denoising(level=0.5, code_size=32):
    image = keras.Input((28, 28, 1))
    noisy = layers.GaussianNoise(level)(image)  # in training only; at inference it does nothing
    noisy = ops.clip(noisy, 0, 1)  # as a camera would
    x = layers.Flatten()(noisy)
    for units in (128, 64):
        x = layers.Dense(units, "relu")(x)
    x = layers.Dense(code_size)(x)
    for units in (64, 128):
        x = layers.Dense(units, "relu")(x)
    pixels = layers.Reshape((28, 28, 1))(layers.Dense(784, "sigmoid")(x))
    model = keras.Model(image, pixels)
    model.compile("adam", loss="binary_crossentropy")
    return model  # model.fit(clean, clean): the layer makes the noise, the target has none


class Contractive(keras.Model):
    def __init__(self, code_size=256, weight=1e-4):
        super().__init__()
        self.encoder = layers.Dense(code_size, "sigmoid")
        self.bias = self.add_weight(shape=(784,), initializer="zeros")
        self.weight = weight
        self.compile("adam", loss="binary_crossentropy")

    def call(self, image):
        code = self.encoder(ops.reshape(image, (-1, 784)))
        kernel = self.encoder.kernel  # (784, code_size)
        # The Jacobian of a sigmoid layer is kernel * slope: its squared norm has a closed form.
        slope = code * (1 - code)
        norm = ops.matmul(slope**2, ops.sum(kernel**2, axis=0))
        self.add_loss(self.weight * ops.mean(norm))
        # Tied weights: the decoder is the encoder's kernel, transposed.
        pixels = ops.sigmoid(ops.matmul(code, ops.transpose(kernel)) + self.bias)
        return ops.reshape(pixels, (-1, 28, 28, 1))


class Variational(keras.Model):
    def __init__(self, code_size=2):
        super().__init__()
        dense = layers.Dense
        self.encoder = keras.Sequential([layers.Flatten(), dense(256, "relu"), dense(128, "relu")])
        self.mean, self.log_variance = dense(code_size), dense(code_size)
        self.decoder = keras.Sequential([dense(128, "relu"), dense(256, "relu"), dense(784)])
        self.seed = keras.random.SeedGenerator(0)
        self.compile("adam")

    def call(self, image, training=False):
        x = self.encoder(image)
        code = mean = self.mean(x)
        log_variance = self.log_variance(x)
        if training:  # draw a code: the noise is outside, so the gradient reaches mean and variance
            noise = keras.random.normal(ops.shape(mean), seed=self.seed)
            code = mean + ops.exp(log_variance / 2) * noise
        logits = ops.reshape(self.decoder(code), ops.shape(image))
        bce = image * ops.softplus(-logits) + (1 - image) * ops.softplus(logits)
        kl = (ops.exp(log_variance) + mean**2 - 1 - log_variance) / 2
        # Both are sums, over the pixels and over the code. Only the batch is averaged.
        self.add_loss(ops.mean(ops.sum(bce, axis=(1, 2, 3)) + ops.sum(kl, axis=1)))
        return ops.sigmoid(logits)


class Conditional(keras.Model):  # model.fit((images, labels), images), with labels one-hot
    def __init__(self, code_size=2, missing=0.1):
        super().__init__()
        dense, self.plane = layers.Dense, layers.Dense(784)
        self.encoder = keras.Sequential([layers.Flatten(), dense(256, "relu"), dense(128, "relu")])
        self.mean, self.log_variance = dense(code_size), dense(code_size)
        self.decoder = keras.Sequential([dense(128, "relu"), dense(256, "relu"), dense(784)])
        self.missing, self.seed = missing, keras.random.SeedGenerator(0)
        self.compile("adam")

    def call(self, inputs, training=False):
        image, label = inputs
        # Some labels are left out, so that the model can do without. Zeros say nothing.
        drawn = keras.random.uniform((ops.shape(image)[0], 1), seed=self.seed) if training else 1.0
        label = ops.where(drawn < self.missing, 0.0, label)
        plane = ops.reshape(self.plane(label), ops.shape(image))  # a second channel of the image
        x = self.encoder(ops.concatenate([image, plane], axis=-1))
        mean, log_variance = self.mean(x), self.log_variance(x)
        noise = keras.random.normal(ops.shape(mean), seed=self.seed) if training else 0.0
        code = mean + ops.exp(log_variance / 2) * noise
        logits = ops.reshape(self.decoder(ops.concatenate([code, label], 1)), ops.shape(image))
        bce = image * ops.softplus(-logits) + (1 - image) * ops.softplus(logits)
        kl = (ops.exp(log_variance) + mean**2 - 1 - log_variance) / 2
        self.add_loss(ops.mean(ops.sum(bce, axis=(1, 2, 3)) + ops.sum(kl, axis=1)))
        return ops.sigmoid(logits)


class Quantizer(layers.Layer):  # what stands between encoder and decoder of a VQ-VAE
    def __init__(self, entries=512, channels=64, commitment=0.25):
        super().__init__()
        self.codebook = self.add_weight(shape=(entries, channels), initializer="random_normal")
        self.commitment = commitment

    def call(self, x):  # (batch, rows, columns, channels)
        flat = ops.reshape(x, (-1, x.shape[-1]))
        # |x - c|^2 without |x|^2, which is the same for every entry
        products = ops.matmul(flat, ops.transpose(self.codebook))
        nearest = ops.argmin(ops.sum(self.codebook**2, axis=1) - 2 * products, axis=1)
        q = ops.reshape(ops.take(self.codebook, nearest, axis=0), ops.shape(x))
        self.add_loss(ops.mean((q - ops.stop_gradient(x)) ** 2))  # moves the entries
        self.add_loss(self.commitment * ops.mean((x - ops.stop_gradient(q)) ** 2))  # the encoder
        return x + ops.stop_gradient(q - x)  # value: q; gradient: as if it were x


def vector_quantized():  # of colour images, 32 x 32
    conv, transposed = layers.Conv2D, layers.Conv2DTranspose
    options = {"strides": 2, "padding": "same"}
    encoder = [conv(64, 3, **options, activation="relu") for _ in range(2)]  # 8 x 8
    decoder = [conv(64, 1, activation="relu")]
    decoder += [transposed(64, 3, **options, activation="relu"), transposed(3, 3, **options)]
    code = [conv(64, 1), Quantizer()]
    model = keras.Sequential([keras.Input((32, 32, 3)), *encoder, *code, *decoder])
    model.compile("adam", loss="mse")
    return model


class RateDistortion(keras.Model):  # of colour images, 64 x 64
    def __init__(self, lmbda=0.01, step=1 / 8, channels=32):
        super().__init__()
        conv, up = layers.Conv2D, layers.Conv2DTranspose
        half = {"strides": 2, "padding": "same", "activation": "relu"}
        encoder = [conv(32, 3, **half), conv(48, 3, **half), conv(channels, 1)]
        decoder = [conv(48, 1, activation="relu"), up(32, 3, **half), up(3, 3, 2, padding="same")]
        self.encoder, self.decoder = keras.Sequential(encoder), keras.Sequential(decoder)
        self.slope, self.shift = self.add_weight((channels,)), self.add_weight((channels,))
        self.lmbda, self.step, self.seed = lmbda, step, keras.random.SeedGenerator(0)
        self.compile("adam")

    def call(self, image, training=False):
        code = self.encoder(image) / self.step
        if training:  # rounding has no gradient: noise of the width of a step stands for it
            code += keras.random.uniform(ops.shape(code), -0.5, 0.5, seed=self.seed)
        else:
            code = ops.floor(code + 0.5)
        # The probability of a symbol: a learned logistic curve, half a step right minus left of it.
        left, right = (ops.softplus(self.slope) * (code + s) + self.shift for s in (-0.5, 0.5))
        bits = -ops.log2(ops.sigmoid(right) - ops.sigmoid(left) + 1e-9)
        output = self.decoder(code * self.step)
        error = 64 * 64 * ops.mean((255 * (output - image)) ** 2)
        self.add_loss(ops.mean(ops.sum(bits, axis=(1, 2, 3))) + self.lmbda * error)
        return output


class Masked(keras.Model):
    def __init__(self, code_size=128, hole_weight=6.0):
        super().__init__()
        self.encoder, self.decoder = convolutional(code_size, channels=2).layers
        self.hole_weight, self.seed = hole_weight, keras.random.SeedGenerator(0)
        self.compile("adam", loss="binary_crossentropy")

    def call(self, image, training=False):
        if training:  # a block of 14 x 14 at a place of its own in each image, a quarter of it
            corner = keras.random.randint((2, ops.shape(image)[0], 1, 1, 1), 0, 15, seed=self.seed)
            y, x = ops.arange(28)[:, None, None], ops.arange(28)[None, :, None]
            inside = [(corner[i] <= z) & (z < corner[i] + 14) for i, z in enumerate((y, x))]
            image = ops.where(inside[0] & inside[1], -1.0, image)  # a value that no pixel has
        self.hole = ops.cast(image[..., 0] < 0, "float32")  # the mask
        seen = ops.concatenate([ops.relu(image), ops.relu(-image)], axis=-1)  # pixels and mask
        return self.decoder(self.encoder(seen))

    def compute_loss(self, x, y, y_pred, sample_weight=None, training=True):
        weight = 1 + (self.hole_weight - 1) * self.hole  # what is missing counts more
        return super().compute_loss(x, y, y_pred, weight, training)


def transformer(size, hidden, heads=4):
    tokens = x = keras.Input((None, size))
    for units in hidden:  # a block: attention, then two dense layers, each beside a way past it
        y = layers.LayerNormalization(epsilon=1e-6)(x)
        x = x + layers.MultiHeadAttention(heads, size // heads)(y, y)  # tokens see each other
        y = layers.LayerNormalization(epsilon=1e-6)(x)
        y = layers.Dense(units, "gelu")(y)
        x = x + layers.Dense(size)(y)
    x = layers.LayerNormalization(epsilon=1e-6)(x)
    return keras.Model(tokens, x)


class MaskedTransformer(keras.Model):  # of colour images, 32 x 32: 64 patches of 4 x 4
    def __init__(self, size=96, inner=64, seen=16):
        super().__init__()
        at_its_place = {"equation": "bnc,cd->bnd", "bias_axes": "nd"}  # a bias for each place
        self.stem = layers.EinsumDense(output_shape=(64, size), **at_its_place)
        self.placed = layers.EinsumDense(output_shape=(64, inner), **at_its_place)
        self.encoder, self.decoder = transformer(size, [384] * 4), transformer(inner, [256])
        self.pixels, self.token = layers.Dense(48), self.add_weight((1, 1, size))
        self.seen, self.seed = seen, keras.random.SeedGenerator(0)
        self.compile("adam")

    def call(self, image, training=False):
        patches = ops.transpose(ops.reshape(image, (-1, 8, 4, 8, 12)), (0, 1, 3, 2, 4))
        patches = ops.reshape(patches, (-1, 64, 48))
        order = ops.argsort(keras.random.uniform(ops.shape(patches)[:2], seed=self.seed), axis=1)
        back, seen = ops.argsort(order, axis=1), self.seen if training else 64
        # The encoder sees a quarter of the patches; one learned token stands for all the others.
        code = self.encoder(ops.take_along_axis(self.stem(patches), order[:, :seen, None], axis=1))
        hidden = ops.tile(self.token, (ops.shape(image)[0], 64 - seen, 1))
        x = ops.take_along_axis(ops.concatenate([code, hidden], 1), back[..., None], axis=1)
        rebuilt = self.pixels(self.decoder(self.placed(x)))
        weight = ops.where(back < seen, 1.0, 6.0)  # what was hidden counts more
        self.add_loss(ops.mean(weight * ops.mean((rebuilt - patches) ** 2, axis=-1)))
        rows = ops.transpose(ops.reshape(rebuilt, (-1, 8, 8, 4, 12)), (0, 1, 3, 2, 4))
        return ops.reshape(rows, ops.shape(image))


def segmentation(classes=8):  # of colour images, 64 x 96, without batch normalisation
    def block(x, filters):
        return layers.Conv2D(filters, 3, padding="same", activation="relu")(x)

    image = x = keras.Input((64, 96, 3))
    skips = []
    for filters in (16, 32):
        x = block(x, filters)
        skips.append(x)  # kept for the decoder: where the edges are
        x = layers.MaxPooling2D(2)(x)
    x = block(x, 64)  # what is there
    for filters in (32, 16):
        x = layers.Conv2DTranspose(filters, 2, strides=2)(x)
        x = layers.Concatenate()([x, skips.pop()])
        x = block(x, filters)
    model = keras.Model(image, layers.Conv2D(classes, 1)(x))  # a score for each class and pixel
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return model  # model.fit(images, labels)


def tabular(means=(0.0, 5.0), deviations=(1.0, 2.0), categories=3, code_size=4):
    def scaled(row):  # two numbers around 0, and a place for each category
        numbers = (row[:, :2] - ops.array(means)) / ops.array(deviations)
        return numbers, ops.one_hot(ops.cast(row[:, 2], "int32"), categories)

    def loss(row, outputs):  # squared error of a scaled number, cross-entropy of a category
        numbers, category = scaled(row)
        nats = keras.losses.categorical_crossentropy(category, outputs[:, 2:], from_logits=True)
        losses = ops.concatenate([(outputs[:, :2] - numbers) ** 2, nats[:, None]], axis=1)
        return ops.mean(losses, axis=1)  # each column counts alike

    row = keras.Input((3,))  # two numbers and the index of a category
    x = ops.concatenate(scaled(row), axis=1)
    for units, activation in ((24, "relu"), (code_size, None), (24, "relu")):
        x = layers.Dense(units, activation)(x)
    model = keras.Model(row, layers.Dense(2 + categories)(x))  # two numbers, and scores
    model.compile("adam", loss=loss)
    return model


def recurrent(steps=32, symbols=27, code_size=32):
    sequence = keras.Input((steps, symbols))  # one-hot at each step
    # Read from the end to the beginning, so that what comes first is freshest in memory.
    state = layers.LSTM(128, go_backwards=True)(sequence)
    code = layers.Dense(code_size)(state)
    # The decoder sees the code at each step and nothing else: no help from the true sequence.
    states = layers.LSTM(128, return_sequences=True)(layers.RepeatVector(steps)(code))
    model = keras.Model(sequence, layers.Dense(symbols, "softmax")(states))
    model.compile("adam", loss="categorical_crossentropy")
    return model
