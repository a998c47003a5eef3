// SPDX-License-Identifier: Apache-2.0
#include "cpictures.h"

#include <stdio.h>

static int refuse(char *message, const char *reason) {
  snprintf(message, SWPU_PICTURE_MESSAGE_BYTES, "%s", reason);
  return 0;
}

#if __has_include(<png.h>) && __has_include(<jpeglib.h>)

#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>
#include <jerror.h>
#include <png.h>

// The package manager links the libraries where pkg-config finds them. Headers may be there without
// that; a weak function is then absent in a program that links and runs all the same.
#pragma weak png_sig_cmp
#pragma weak png_image_begin_read_from_memory
#pragma weak png_image_finish_read
#pragma weak png_image_free
#pragma weak jpeg_std_error
#pragma weak jpeg_CreateDecompress
#pragma weak jpeg_destroy_decompress
#pragma weak jpeg_mem_src
#pragma weak jpeg_read_header
#pragma weak jpeg_start_decompress
#pragma weak jpeg_read_scanlines
#pragma weak jpeg_finish_decompress

int swpu_pictures_are_readable(void) {
  return &png_image_begin_read_from_memory != NULL && &jpeg_mem_src != NULL;
}

// A real picture has some ten scans. Each costs time in proportion to the picture and may be a few
// bytes long, so that without a limit a small file could keep a processor busy for hours.
enum { most_scans = 100 };

static int is_png(const uint8_t *bytes, size_t count) {
  return count >= 8 && png_sig_cmp(bytes, 0, 8) == 0;
}

static int is_jpeg(const uint8_t *bytes, size_t count) {
  return count >= 3 && bytes[0] == 0xff && bytes[1] == 0xd8 && bytes[2] == 0xff;
}

// Reads the header of a PNG file, or with `pixels` all of it. libpng's simplified interface catches
// its own jumps and frees all memory where it fails.
static int read_png(
    const uint8_t *bytes, size_t count, uint32_t *width, uint32_t *height, uint8_t *pixels,
    size_t pixel_bytes, char *message) {
  png_image image;
  memset(&image, 0, sizeof image);
  image.version = PNG_IMAGE_VERSION;
  if (!png_image_begin_read_from_memory(&image, bytes, count)) {
    return refuse(message, image.message);
  }
  *width = image.width;
  *height = image.height;
  if (!pixels) {
    png_image_free(&image);
    return 1;
  }
  size_t count_of_pixels = (size_t)image.width * image.height;
  if (count_of_pixels * 3 != pixel_bytes) {
    png_image_free(&image);
    return refuse(message, "the size has changed");
  }
  image.flags |= PNG_IMAGE_FLAG_16BIT_sRGB;
  if (!(image.format & PNG_FORMAT_FLAG_ALPHA)) {
    image.format = PNG_FORMAT_RGB;
    if (!png_image_finish_read(&image, NULL, pixels, 0, NULL)) return refuse(message, image.message);
    return 1;
  }
  // What shines through is white, mixed as the values are stored, which is what browsers and Pillow
  // do; libpng itself would mix light.
  image.format = PNG_FORMAT_RGBA;
  uint8_t *mixed = malloc(count_of_pixels * 4);
  if (!mixed) {
    png_image_free(&image);
    return refuse(message, "no memory for its pixels");
  }
  if (!png_image_finish_read(&image, NULL, mixed, 0, NULL)) {
    free(mixed);
    return refuse(message, image.message);
  }
  for (size_t pixel = 0; pixel < count_of_pixels; pixel++) {
    unsigned opacity = mixed[4 * pixel + 3];
    for (size_t channel = 0; channel < 3; channel++) {
      unsigned sum = mixed[4 * pixel + channel] * opacity + 255 * (255 - opacity);
      pixels[3 * pixel + channel] = (uint8_t)((sum + 127) / 255);
    }
  }
  free(mixed);
  return 1;
}

struct jpeg_failure {
  struct jpeg_error_mgr manager;  // first, so that a pointer to it is one to the whole
  jmp_buf exit;
  char *message;
};

static void jpeg_fail(j_common_ptr jpeg) {
  struct jpeg_failure *failure = (struct jpeg_failure *)jpeg->err;
  char text[JMSG_LENGTH_MAX];
  jpeg->err->format_message(jpeg, text);
  refuse(failure->message, text);
  longjmp(failure->exit, 1);
}

// Other programs show a picture in spite of a warning, and so do we; but where the file ends before
// the picture does, the rest is made up.
static void jpeg_warn(j_common_ptr jpeg, int level) {
  if (level < 0 && jpeg->err->msg_code == JWRN_JPEG_EOF) jpeg_fail(jpeg);
}

static void jpeg_count_scans(j_common_ptr jpeg) {
  if (((j_decompress_ptr)jpeg)->input_scan_number <= most_scans) return;
  struct jpeg_failure *failure = (struct jpeg_failure *)jpeg->err;
  refuse(failure->message, "more than 100 scans");
  longjmp(failure->exit, 1);
}

// Inks on white paper as red, green and blue, in Pillow's arithmetic. The values are stored as Adobe's
// programs store them: 255 is no ink.
static void mix_inks(const uint8_t *inks, uint8_t *pixels, size_t count) {
  for (size_t pixel = 0; pixel < count; pixel++) {
    unsigned light = inks[4 * pixel + 3];
    for (size_t channel = 0; channel < 3; channel++) {
      unsigned product = (255u - inks[4 * pixel + channel]) * light + 128;
      unsigned taken = ((product >> 8) + product) >> 8;
      pixels[3 * pixel + channel] = (uint8_t)(light > taken ? light - taken : 0);
    }
  }
}

// Reads the header of a JPEG file, or with `pixels` all of it.
static int read_jpeg(
    const uint8_t *bytes, size_t count, uint32_t *width, uint32_t *height, uint8_t *pixels,
    size_t pixel_bytes, char *message) {
  // Zeros, so that it can be destroyed wherever the jump comes from.
  struct jpeg_decompress_struct jpeg;
  memset(&jpeg, 0, sizeof jpeg);
  struct jpeg_progress_mgr progress = {.progress_monitor = jpeg_count_scans};
  struct jpeg_failure failure = {.message = message};
  jpeg.err = jpeg_std_error(&failure.manager);
  failure.manager.error_exit = jpeg_fail;
  failure.manager.emit_message = jpeg_warn;
  if (setjmp(failure.exit)) {
    jpeg_destroy_decompress(&jpeg);
    return 0;
  }
  jpeg_create_decompress(&jpeg);
  jpeg.progress = &progress;
  jpeg_mem_src(&jpeg, bytes, count);
  jpeg_read_header(&jpeg, TRUE);
  *width = jpeg.image_width;
  *height = jpeg.image_height;
  int good = 1;
  if (pixels && (size_t)jpeg.image_width * jpeg.image_height * 3 != pixel_bytes) {
    good = refuse(message, "the size has changed");
  } else if (pixels) {
    int has_inks = jpeg.jpeg_color_space == JCS_CMYK || jpeg.jpeg_color_space == JCS_YCCK;
    jpeg.out_color_space = has_inks ? JCS_CMYK : JCS_RGB;
    jpeg_start_decompress(&jpeg);
    // Goes with the decoder, wherever a jump ends it.
    JSAMPARRAY inks = NULL;
    if (has_inks) {
      inks = jpeg.mem->alloc_sarray((j_common_ptr)&jpeg, JPOOL_IMAGE, 4 * jpeg.output_width, 1);
    }
    while (jpeg.output_scanline < jpeg.output_height) {
      JSAMPROW row = pixels + (size_t)jpeg.output_scanline * jpeg.output_width * 3;
      jpeg_read_scanlines(&jpeg, has_inks ? inks : &row, 1);
      if (has_inks) mix_inks(inks[0], row, jpeg.output_width);
    }
    jpeg_finish_decompress(&jpeg);
  }
  jpeg_destroy_decompress(&jpeg);
  return good;
}

static int read_picture(
    const uint8_t *bytes, size_t count, uint32_t *width, uint32_t *height, uint8_t *pixels,
    size_t pixel_bytes, char *message) {
  if (is_png(bytes, count)) {
    return read_png(bytes, count, width, height, pixels, pixel_bytes, message);
  }
  if (is_jpeg(bytes, count)) {
    return read_jpeg(bytes, count, width, height, pixels, pixel_bytes, message);
  }
  return refuse(message, count == 0 ? "an empty file" : "neither a PNG nor a JPEG file");
}

int swpu_picture_size(
    const uint8_t *bytes, size_t count, uint32_t *width, uint32_t *height, char *message) {
  return read_picture(bytes, count, width, height, NULL, 0, message);
}

int swpu_picture_decode(
    const uint8_t *bytes, size_t count, uint8_t *pixels, size_t pixel_bytes, char *message) {
  uint32_t width, height;
  return read_picture(bytes, count, &width, &height, pixels, pixel_bytes, message);
}

#else

static const char missing[] = "an image, which this program was built without libraries for";

int swpu_pictures_are_readable(void) { return 0; }

int swpu_picture_size(
    const uint8_t *bytes, size_t count, uint32_t *width, uint32_t *height, char *message) {
  return refuse(message, missing);
}

int swpu_picture_decode(
    const uint8_t *bytes, size_t count, uint8_t *pixels, size_t pixel_bytes, char *message) {
  return refuse(message, missing);
}

#endif
