// What a response may be at most: one table, the figures of threats, section 6. Units are in the names.

/** Names and values of one head. */
export const HEAD_LIMIT_BYTES = 64 * 1024;
export const HEAD_LIMIT_LINES = 512;
/** Set-Cookie lines kept of a head. */
export const SET_COOKIES_KEPT = 64;
/** Informational answers taken before the real one (H1: an endless stream of 103 is no answer). */
export const INFORMATIONAL_LIMIT = 8;
/** Redirects followed in one visit. */
export const HOP_LIMIT = 5;

/** Decoded bytes kept of a body, and when the expectation looks for text in it. */
export const BODY_LIMIT_BYTES = 256 * 1024;
export const SEARCHED_BODY_LIMIT_BYTES = 1024 * 1024;
/** Kept of what canaries ask for: health, trace and start pages are small. */
export const CANARY_BODY_LIMIT_BYTES = 64 * 1024;
/** Decoded bytes of all bodies in flight above which new bodies keep little. */
export const CROWDED_BYTES = 32 * 1024 * 1024;
export const CROWDED_BODY_LIMIT_BYTES = 16 * 1024;

/** Bytes on the wire before the body begins: the status line, separators and informational answers count too. */
export const HEAD_WIRE_LIMIT_BYTES = 96 * 1024;
/** Bytes on the wire for each decoded byte that is kept; the frame of a chunk is a fraction of it. */
export const BODY_WIRE_FACTOR = 2;
/** Bytes on the wire that may pass without a byte for the body: of chunk extensions and trailers (H1). */
export const BARREN_LIMIT_BYTES = 16 * 1024;

/** Addresses used of an answer, and the longest time one is kept (N4). */
export const ADDRESS_LIMIT = 8;
export const LONGEST_TTL_S = 86_400;
