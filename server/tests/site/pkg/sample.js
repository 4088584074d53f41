// A file of the page, as the tests carry it inside. Its two compressed forms are made with brotli and gzip.
export const greeting = "hello, hello, hello, hello, hello, hello, hello, hello, hello, hello";
