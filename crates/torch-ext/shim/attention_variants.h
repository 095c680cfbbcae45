// Images of few and of many tokens, with and without a rest beyond whole tiles.

#define ELEMENT bf16
#define PACK 8
#define WIDTH 2
#include "variant.h"

#define ELEMENT fp16
#define PACK 8
#define WIDTH 16
#include "variant.h"

#define ELEMENT bf16
#define PACK 8
#define WIDTH 38
#include "variant.h"

#define ELEMENT fp16
#define PACK 8
#define WIDTH 38
#include "variant.h"

#define ELEMENT bf16
#define PACK 8
#define WIDTH 100
#include "variant.h"

#define ELEMENT bf16
#define PACK 8
#define WIDTH 198
#include "variant.h"

#define ELEMENT fp16
#define PACK 8
#define WIDTH 207
#include "variant.h"
