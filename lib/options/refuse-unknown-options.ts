import { showValue } from '../errors/show-value.js';
import { SoftDeleteConfigError } from '../errors/soft-delete-config.error.js';

/**
 * Refuses options that nobody would read: a misspelt `dryRun` must not become a real run. In an instance of a class, which may have
 * fields of its own that are none of ours, only those that are nearly an option count.
 *
 * @param where - what was called or declared, such as `run()` or `@SoftDeletable() on User`
 * @param prefix - what the name of the option in the message begins with
 * @throws SoftDeleteConfigError naming the option, its value and what was probably meant
 * @internal
 */
export function refuseUnknownOptions(
  where: string,
  options: unknown,
  allowed: readonly string[],
  prefix = `${where}, `,
): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new SoftDeleteConfigError(
      where,
      `${showValue(options)} is not an object of options.`,
      allowed.length === 0 ? 'It has no options: leave it out.' : `Write { ${allowed[0]}: … }, or leave it out.`,
    );
  }
  const isPlain = [Object.prototype, null].includes(Object.getPrototypeOf(options) as object | null);
  // Including what is inherited: options may be layered by Object.create().
  for (const name in options) {
    const meant = closest(name, allowed);
    if (!allowed.includes(name) && (isPlain || meant !== undefined)) {
      throw new SoftDeleteConfigError(
        `${prefix}${name}`,
        `there is no such option (given: ${showValue((options as Record<string, unknown>)[name])}).`,
        advise(meant, allowed),
      );
    }
  }
}

function advise(meant: string | undefined, allowed: readonly string[]): string {
  if (allowed.length === 0) {
    return 'It has no options: leave it out.';
  }
  return `${meant === undefined ? '' : `Did you mean ${meant}? `}The options are: ${allowed.join(', ')}.`;
}

/** The name that was probably meant, if one is near enough. */
function closest(name: string, allowed: readonly string[]): string | undefined {
  const plain = (text: string) => text.toLowerCase().replace(/[^a-z0-9]/g, '');
  const ranked = allowed
    .map((candidate) => ({ candidate, distance: editDistance(plain(name), plain(candidate)) }))
    .sort((a, b) => a.distance - b.distance);
  const [best] = ranked;
  return best && best.distance <= Math.max(1, Math.floor(best.candidate.length / 3)) ? best.candidate : undefined;
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, row[j]! + 1, next[j - 1]! + 1));
    }
    row = next;
  }
  return row[b.length]!;
}
