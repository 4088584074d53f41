// The pictures of the README: `make pictures`. Not part of the tests.
import base from './playwright.config.js';

export default { ...base, testDir: 'pictures', reporter: 'list' };
