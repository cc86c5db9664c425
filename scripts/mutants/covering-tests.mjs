import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

/** How many tests are tried before the rest: the nearest ones kill most of what can be killed. */
const FIRST = 6;

/**
 * The tests that could notice a change of a line of the library, in the order to try them, in portions.
 *
 * Those that run the line come first, the ones before which run little else. What runs in processes of its own is not known of any
 * test, so the tests of the room, and the rules of the whole library, are tried in any case.
 *
 * @param coverage - what `CoverageReporter` wrote
 * @param file - the path below `lib/`
 * @param most - how many of those that run the line are tried
 * @returns {string[][]}
 */
export function coveringTests(root, { statements, tests }, file, line, most) {
  const started = startOf(statements[file] ?? [], line);
  const running = Object.entries(tests)
    .filter(([, { lines }]) => started !== undefined && lines[file]?.includes(started))
    .map(([name, { lines }]) => ({ name, share: lines[file].length / count(lines) }))
    .toSorted((one, other) => other.share - one.share || (one.name < other.name ? -1 : 1))
    .slice(0, most)
    .map(({ name }) => name);
  const room = file.includes('/') ? file.split('/')[0] : 'nest';
  const others = [
    'test/architecture',
    ...testsIn(root, `test/unit/${room}`),
    ...testsIn(root, `test/integration/${room}`),
  ];
  const portions = [
    running.slice(0, FIRST),
    [...running.slice(FIRST), ...others.filter((name) => !running.includes(name))],
  ];
  return portions.filter((portion) => portion.length > 0);
}

/** Where the innermost statement that holds a line begins. */
function startOf(statements, line) {
  const around = statements.filter(([first, last]) => first <= line && line <= Math.max(first, last));
  return around.length > 0 ? Math.max(...around.map(([first]) => first)) : undefined;
}

function count(lines) {
  return Object.values(lines).reduce((total, those) => total + those.length, 0);
}

function testsIn(root, folder) {
  return existsSync(join(root, folder))
    ? readdirSync(join(root, folder), { recursive: true })
        .filter((name) => name.endsWith('.test.ts'))
        .map((name) => `${folder}/${name.replaceAll('\\', '/')}`)
    : [];
}
