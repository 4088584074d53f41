// Prints figures as one table: what was measured, and the goal it stands beside. A whole run puts them into a document.
import { readFileSync, writeFileSync } from 'node:fs';
import type { FullResult, Reporter, TestCase, TestResult } from '@playwright/test/reporter';
import { test } from '@playwright/test';

const FIGURE = 'figure';
const BEGIN = '<!-- page: written by `make page` -->';
const END = '<!-- /page -->';

interface Row {
  name: string;
  shown: string;
  goal: string;
  missed: boolean;
}

/** Notes a figure for the table. A figure above `most` or below `least` is marked as missed; nothing fails. */
export function figure(name: string, exact: number, unit: string, goal: { most?: number; least?: number } = {}): void {
  const { most, least } = goal;
  // Held against its goal as it is shown: three frames of a screen are 50 ms, though its clock may say 50.000002.
  const value = Math.round(exact * 10) / 10;
  const row: Row = {
    name,
    shown: `${Number.isInteger(value) ? value : value.toFixed(1)} ${unit}`.trim(),
    goal: most !== undefined ? `at most ${most}` : least !== undefined ? `at least ${least}` : '',
    missed: (most !== undefined && value > most) || (least !== undefined && value < least),
  };
  test.info().annotations.push({ type: FIGURE, description: JSON.stringify(row) });
}

export default class Table implements Reporter {
  private readonly rows: Row[] = [];

  onTestEnd(title: TestCase, result: TestResult): void {
    for (const { type, description } of result.annotations) {
      if (type !== FIGURE || description === undefined) continue;
      const row: Row = JSON.parse(description);
      this.rows.push(row);
      const goal = row.goal && `goal: ${row.goal}${row.missed ? ', MISSED' : ''}`;
      console.log(`${row.name.padEnd(70)} ${row.shown.padStart(14)}  ${goal}`);
    }
    for (const error of result.errors) console.error(`${title.title}: ${error.stack ?? error.message}`);
  }

  onEnd(result: FullResult): void {
    const path = process.env.HUBBUB_PAGE_REPORT;
    if (!path || result.status !== 'passed') return;
    const document = readFileSync(path, 'utf8');
    const [before, after] = [document.split(BEGIN)[0], document.split(END)[1]];
    if (after === undefined) throw new Error(`${path} has no place for the figures of the page`);
    const verdict = ({ goal, missed }: Row) => (goal ? (missed ? '**missed**' : 'met') : '');
    const lines = this.rows.map((row) => `| ${row.name} | ${row.goal} | ${row.shown} | ${verdict(row)} |`);
    const table = ['| measure | goal | measured | |', '|---|---|---|---|', ...lines].join('\n');
    writeFileSync(path, `${before}${BEGIN}\n\n${table}\n\n${END}${after}`);
  }

  printsToStdio(): boolean {
    return true;
  }
}
