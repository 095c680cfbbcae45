// Each kind of values, loaded 16 bytes at once or one by one; the width is told to the kernel.

#define ELEMENT float
#define PACK 4
#define WIDTH 0
#include "variant.h"

#define ELEMENT float
#define PACK 1
#define WIDTH 0
#include "variant.h"

#define ELEMENT bf16
#define PACK 8
#define WIDTH 0
#include "variant.h"

#define ELEMENT bf16
#define PACK 1
#define WIDTH 0
#include "variant.h"

#define ELEMENT fp16
#define PACK 8
#define WIDTH 0
#include "variant.h"
