// How the page behaves, in figures: `make page`. Not part of the tests, for times depend on the machine.
import base from './playwright.config.js';

export default {
  ...base,
  testDir: 'measure',
  reporter: './measure/table.ts',
  timeout: 600_000,
  use: { ...base.use, trace: 'off', screenshot: 'off' },
};
