// Views to the tokens of the first block.

// Views of bytes to the rows of the patch embedding: [images, 3, height, width], 0 to 255, becomes [images rows columns, 3 side
// side], each value times its channel's scale, less its shift. PACK values beside each other lie in one row of a patch. WIDTH
// is the side of a patch.

KERNEL patches(const unsigned char *views, ELEMENT *output, long long packs, int height, int width, float scale0,
               float scale1, float scale2, float shift0, float shift1, float shift2) {
  const int rows = height / WIDTH, columns = width / WIDTH;
  const long long step = (long long)gridDim.x * blockDim.x;
  for (long long pack = (long long)blockIdx.x * blockDim.x + threadIdx.x; pack < packs; pack += step) {
    const long long patch = pack / (3 * WIDTH * WIDTH / PACK);
    const int value = pack % (3 * WIDTH * WIDTH / PACK) * PACK;
    const int channel = value / (WIDTH * WIDTH), y = value / WIDTH % WIDTH, x = value % WIDTH;
    const long long image = patch / (rows * columns);
    const int row = patch / columns % rows, column = patch % columns;
    const long long line = (image * 3 + channel) * height + row * WIDTH + y;
    const unsigned char *from = views + line * width + column * WIDTH + x;
    const float scale = channel == 0 ? scale0 : channel == 1 ? scale1 : scale2;
    const float shift = channel == 0 ? shift0 : channel == 1 ? shift1 : shift2;
    const Pack<unsigned char, PACK> bytes = *reinterpret_cast<const Pack<unsigned char, PACK> *>(from);
    float values[PACK];
#pragma unroll
    for (int i = 0; i < PACK; ++i) values[i] = bytes.values[i] * scale - shift;
    store<PACK>(values, output + pack * PACK);
  }
}

// Tokens [images tokens, width], fp32: to each row of `table` [tokens, width], which all images share, behind the first `prefix`
// rows the product of its patch is added, [images (tokens - prefix), width].
KERNEL embed(const ELEMENT *products, const float *table, float *output, long long packs, int prefix, int tokens,
             int width) {
  const long long step = (long long)gridDim.x * blockDim.x;
  for (long long pack = (long long)blockIdx.x * blockDim.x + threadIdx.x; pack < packs; pack += step) {
    const long long row = pack / (width / PACK), image = row / tokens;
    const int column = pack % (width / PACK) * PACK, token = row % tokens;
    float values[PACK];
    load<PACK>(table + token * width + column, values);
    if (token >= prefix) {
      float product[PACK];
      load<PACK>(products + (image * (tokens - prefix) + token - prefix) * width + column, product);
#pragma unroll
      for (int i = 0; i < PACK; ++i) values[i] += product[i];
    }
    store<PACK>(values, output + pack * PACK);
  }
}
