
/*
 * meta: what a chain says of itself (state_getMetadata, version 14): where
 * its storage is, which calls it has, and what their values look like.
 *
 * Nothing of it is built into this program but names: indices move with the
 * runtime's version, and what is expected of a call is compared as text.
 * A type is written as
 *
 *     u64  str  compact u32  [u8]  [u8;32]  (u32,bool)  {id:u64,name:[u8]}
 *     <None|Some(u32)>
 *
 * where a structure of one field without a name is that field.
 */

#ifndef WGW_GRID_META_H
#define WGW_GRID_META_H


#include "grid/scale.h"


#define GRID_META_DEPTH  24             /* of types in types */


typedef struct grid_meta_s  grid_meta_t;


/* Kinds of types, as they are numbered there. */
typedef enum {
    GRID_META_COMPOSITE = 0,
    GRID_META_VARIANT,
    GRID_META_SEQUENCE,
    GRID_META_ARRAY,
    GRID_META_TUPLE,
    GRID_META_PRIMITIVE,
    GRID_META_COMPACT,
    GRID_META_BITS,
    GRID_META_NONE                      /* there is no such type */
} grid_meta_kind_t;


typedef struct {
    wgw_text_t   name;                  /* "" for none */
    uint32_t     type;
} grid_meta_field_t;


/* How a key is made of a map's part. */
typedef enum {
    GRID_HASH_BLAKE2_128 = 0,
    GRID_HASH_BLAKE2_256,
    GRID_HASH_BLAKE2_128_CONCAT,
    GRID_HASH_TWOX_128,
    GRID_HASH_TWOX_256,
    GRID_HASH_TWOX_64_CONCAT,
    GRID_HASH_IDENTITY
} grid_hash_t;


typedef struct {
    wgw_text_t   prefix;                /* the pallet's, in storage */
    int          map;                   /* of one part, hashed by: */
    grid_hash_t  hash;
    uint32_t     key;                   /* types */
    uint32_t     value;
} grid_storage_t;


typedef struct {
    wgw_text_t   name;
    uint32_t     extra;                 /* types: in the extrinsic, ... */
    uint32_t     additional;            /* ... and what is signed besides */
} grid_extension_t;


/* NULL when it is not of version 14, or not whole. */
grid_meta_t *grid_meta_read(const uint8_t *data, size_t len);
void grid_meta_free(grid_meta_t *meta);

/* 1 when there is such a thing. */
int grid_meta_storage(const grid_meta_t *meta, const char *pallet,
    const char *item, grid_storage_t *storage);

/* Pallet's and call's index, and its arguments' type as text, in `out`. */
int grid_meta_call(const grid_meta_t *meta, const char *pallet,
    const char *call, uint8_t index[2], wgw_out_t *out);

/* The i-th signed extension; 0 after the last. */
int grid_meta_extension(const grid_meta_t *meta, size_t i,
    grid_extension_t *extension);

/* The extrinsic's version, which is 4, and its "Address" or "Signature". */
unsigned grid_meta_version(const grid_meta_t *meta);
int grid_meta_extrinsic(const grid_meta_t *meta, const char *part,
    uint32_t *type);

/* A type as text; overflow when it does not fit. */
void grid_meta_type(const grid_meta_t *meta, uint32_t type, wgw_out_t *out);


/*
 * What a type is made of: its kind, and a reader behind that, from which come
 * fields (a composite's, after their count), variants, or types.
 */
grid_meta_kind_t grid_meta_kind(const grid_meta_t *meta, uint32_t type,
    grid_scale_t *s);
void grid_meta_field(grid_scale_t *s, grid_meta_field_t *field);

/* Of this name, or of this index when `name` is NULL; 0 for none. */
int grid_meta_variant(grid_scale_t *s, const char *name, uint8_t *index,
    wgw_text_t *found, grid_scale_t *fields);

/* Bytes of a primitive; 0 for a text. */
size_t grid_meta_primitive(uint64_t primitive);


#endif /* WGW_GRID_META_H */
