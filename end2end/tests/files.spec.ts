// The page's files as the release carries them inside: small for whoever can read it, kept for as long as they are the same.
import { createHash } from 'node:crypto';
import { type IncomingHttpHeaders, get } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { expect, test } from '../support/test.js';

interface Answer {
  status?: number;
  headers: IncomingHttpHeaders;
  body: Buffer;
}

/** One request with exactly these headers; a browser or `fetch` would add its own. */
function ask(url: string, headers: Record<string, string>): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = get(url, { headers }, (response) => {
      buffer(response).then((body) => resolve({ status: response.statusCode, headers: response.headers, body }), reject);
    });
    request.on('error', reject);
  });
}

test('each file comes in the form that is asked for, and once', async ({ server }) => {
  const page = (await ask(`${server.url}/`, {})).body.toString();
  const addresses = ['css', 'js', 'wasm'].map((ending) => new RegExp(`/pkg/hubbub\\.${ending}\\?v=[0-9a-f]{32}`).exec(page)?.[0]);
  for (const address of addresses) {
    expect(address, 'the page names its files with the hash of their content').toBeDefined();
    const url = server.url + address;
    const [brotli, gzip, plain] = await Promise.all(['gzip, br', 'gzip', 'identity'].map((form) => ask(url, { 'accept-encoding': form })));
    expect([brotli, gzip, plain].map(({ headers }) => headers['content-encoding'])).toEqual(['br', 'gzip', undefined]);
    expect(brotliDecompressSync(brotli.body)).toEqual(plain.body);
    expect(gunzipSync(gzip.body)).toEqual(plain.body);
    expect(brotli.body.length).toBeLessThan(gzip.body.length);
    expect(createHash('sha256').update(plain.body).digest('hex').slice(0, 32)).toBe(address?.split('=')[1]);
    for (const { status, headers } of [brotli, gzip, plain]) {
      expect(status).toBe(200);
      expect(headers['cache-control']).toBe('public, max-age=31536000, immutable');
      expect(headers.vary).toContain('accept-encoding');
    }
    const again = await ask(url, { 'accept-encoding': 'br', 'if-none-match': brotli.headers.etag ?? '' });
    expect([again.status, again.body.length]).toEqual([304, 0]);
    const other = await ask(url, { 'accept-encoding': 'gzip', 'if-none-match': brotli.headers.etag ?? '' });
    expect(other.status, 'each form has a tag of its own').toBe(200);
  }
  expect((await ask(`${server.url}/favicon.svg`, {})).headers['cache-control']).toBe('no-cache');
});
