import { isDeepStrictEqual } from 'node:util';
import { showValue } from '../errors/text/show-value.js';
import { SoftDeleteConfigError } from '../errors/soft-delete-config.error.js';
import { parseRetention } from './duration.js';
import {
  requireOneEngine,
  type ResolvedModuleOptions,
  type ResolvedPurgeOptions,
  resolveModuleOptions,
  resolvePurgeOptions,
} from './resolve-module-options.js';
import type { PurgeOptions, SoftDeleteModuleOptions } from './soft-delete-module-options.js';

/**
 * The options of the module and those of `softDelete()` in the ORM's configuration together: what the module names, and what it
 * leaves to the other.
 *
 * @param configured - those of `softDelete()`
 * @throws SoftDeleteConfigError if both name an option and mean different things by it
 * @internal
 */
export function combineModuleOptions(
  configured: SoftDeleteModuleOptions,
  module: SoftDeleteModuleOptions,
): ResolvedModuleOptions {
  const [theirs, ours] = [resolveModuleOptions(configured), resolveModuleOptions(module)];
  if (configured.actor && module.actor) {
    refuseContradiction('actor', configured.actor, module.actor, theirs.actor, ours.actor);
  }
  if (configured.log?.reason !== undefined && module.log?.reason !== undefined) {
    refuseContradiction('log.reason', configured.log.reason, module.log.reason, theirs.log.reason, ours.log.reason);
  }
  if (configured.log?.retention !== undefined && module.log?.retention !== undefined) {
    const retention = ({ log }: ResolvedModuleOptions) => parseRetention('log.retention', log.retention!);
    refuseContradiction(
      'log.retention',
      configured.log.retention,
      module.log.retention,
      retention(theirs),
      retention(ours),
    );
  }
  for (const name of ['deadline', 'cron', 'timeZone', 'ledger'] as const) {
    const [given, own] = [theirs.erasure[name], ours.erasure[name]];
    if (given !== undefined && own !== undefined) {
      refuseContradiction(`erasure.${name}`, given, own, given, own);
    }
  }
  const [there, here] = [configured.purge ?? {}, module.purge ?? {}];
  for (const name of named(here).filter((name) => there[name] !== undefined)) {
    refuseContradiction(`purge.${name}`, there[name], here[name], theirs.purge[name], ours.purge[name]);
  }
  const purge = combinePurgeOptions(there, here);
  requireOneEngine(purge);
  return {
    contextName: ours.contextName,
    actor: module.actor ?? theirs.actor,
    log: { ...theirs.log, ...ours.log },
    erasure: { ...theirs.erasure, ...ours.erasure },
    purge,
  };
}

/** Options of a purge, and those of another one for what they leave out. @internal */
export function combinePurgeOptions(defaults: PurgeOptions, options: PurgeOptions): ResolvedPurgeOptions {
  const resolved = resolvePurgeOptions(options);
  return {
    ...resolvePurgeOptions(defaults),
    ...Object.fromEntries(named(options).map((name) => [name, resolved[name]])),
  };
}

/** The options that have a value, inherited ones too: somebody may have layered them by `Object.create()`. */
function named(options: PurgeOptions): (keyof PurgeOptions)[] {
  const names: (keyof PurgeOptions)[] = [];
  for (const name in options) {
    if (options[name as keyof PurgeOptions] !== undefined) {
      names.push(name as keyof PurgeOptions);
    }
  }
  return names;
}

/** By what they mean: '90d' and its milliseconds are no contradiction. */
function refuseContradiction(option: string, there: unknown, here: unknown, theirs: unknown, ours: unknown): void {
  if (!isDeepStrictEqual(theirs, ours)) {
    throw new SoftDeleteConfigError(
      option,
      `SoftDeleteModule says ${showValue(here)}, and softDelete() in the MikroORM configuration says ${showValue(there)}.`,
      'Set it in one of the two. The command line reads only the MikroORM configuration.',
    );
  }
}
