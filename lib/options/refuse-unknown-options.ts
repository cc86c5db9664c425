import { showValue } from '../errors/text/show-value.js';
import { SoftDeleteConfigError } from '../errors/soft-delete-config.error.js';
import { closestName } from './closest-name.js';

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
    const meant = closestName(name, allowed);
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
