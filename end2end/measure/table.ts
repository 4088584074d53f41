// Prints figures as one table: what was measured, and the goal it stands beside.
import type { Reporter, TestCase, TestResult } from '@playwright/test/reporter';
import { test } from '@playwright/test';

const FIGURE = 'figure';

/** Notes a figure for the table. A figure above `most` or below `least` is marked as missed; nothing fails. */
export function figure(name: string, value: number, unit: string, goal: { most?: number; least?: number } = {}): void {
  const { most, least } = goal;
  const shown = Number.isInteger(value) ? `${value}` : value.toFixed(1);
  const aim = most !== undefined ? `goal: at most ${most}` : least !== undefined ? `goal: at least ${least}` : '';
  const missed = (most !== undefined && value > most) || (least !== undefined && value < least);
  const description = `${name.padEnd(58)} ${`${shown} ${unit}`.padStart(14)}  ${aim}${missed ? ', MISSED' : ''}`;
  test.info().annotations.push({ type: FIGURE, description });
}

export default class Table implements Reporter {
  onTestEnd(test: TestCase, result: TestResult): void {
    for (const { type, description } of result.annotations) if (type === FIGURE) console.log(description);
    for (const error of result.errors) console.error(`${test.title}: ${error.stack ?? error.message}`);
  }

  printsToStdio(): boolean {
    return true;
  }
}
