import { Inject, Injectable, Optional } from '@nestjs/common';
import { ErasureService } from '../compliance/erasure/erasure.service.js';
import { type Duration, parseDuration } from '../options/duration.js';
import { refuseUnknownOptions } from '../options/refuse-unknown-options.js';
import type { PurgeEntityLag } from '../purge/status/purge-lag.js';
import { PurgeService } from '../purge/purge.service.js';

/**
 * Options of `PurgeHealthIndicator.isHealthy()`.
 *
 * @publicApi
 */
export interface PurgeHealthOptions {
  /**
   * How long a row may have been due before the purge counts as late.
   *
   * @default '24h'
   */
  sla?: Duration;
}

/** What the indicator asks a purge. */
interface PurgeState extends Pick<PurgeService, 'lag'> {
  readonly braked?: readonly string[];
}

/** What `@nestjs/terminus` wants to know of an indicator. */
type PurgeHealthResult<Key extends string> = {
  [Name in Key]: {
    status: 'up' | 'down';
    /** Why it is down. */
    message?: string;
    /** Milliseconds. */
    overdueBy: number;
    /** How many rows are due and how many of them are blocked; only where some have been due for longer than agreed. */
    due?: number;
    blocked?: number;
    /** How many erasures are overdue; only where some are. */
    overdueErasures?: number;
  };
};

/**
 * Tells a health check of `@nestjs/terminus` whether the purge keeps up. It is down if the oldest due row has been due for longer than
 * `sla`, if the last run of this process skipped an entity because of the brake, or if an erasure is overdue. Blocked rows do not count,
 * since no purge can remove them, and neither do erasures that wait for holds and legal periods.
 *
 * It only needs the form of `@nestjs/terminus`'s results, so it imports nothing from there. Add it to the providers of the module with the
 * health check:
 *
 * ```ts
 * this.health.check([() => this.purge.isHealthy('purge', { sla: '24h' })]);
 * ```
 *
 * The check reads one index entry per entity. Where that row has been due for too long, it looks for what blocks the due rows, which
 * takes longer the more are due. Do not use it as a liveness probe: restarting the app does not purge rows.
 *
 * @publicApi
 */
@Injectable()
export class PurgeHealthIndicator {
  constructor(
    @Inject(PurgeService) private readonly purge: PurgeState,
    @Optional() @Inject(ErasureService) private readonly erasures?: ErasureService,
  ) {}

  /**
   * @throws SoftDeleteConfigError if the time is not one, or an option is unknown
   */
  async isHealthy<Key extends string = 'purge'>(
    key: Key = 'purge' as Key,
    options: PurgeHealthOptions = {},
  ): Promise<PurgeHealthResult<Key>> {
    refuseUnknownOptions('isHealthy()', options, ['sla']);
    const limit = parseDuration('sla', options.sla ?? '24h');
    let { entities } = await this.purge.lag();
    const isLate = ({ overdueBy }: PurgeEntityLag) => overdueBy > limit;
    const mayBeBlocked = entities.some(isLate);
    if (mayBeBlocked) {
      ({ entities } = await this.purge.lag({ unblocked: true }));
    }
    const late = [...new Set(entities.filter(isLate).map(({ entity }) => entity))];
    const sum = (count: 'due' | 'blocked') => entities.reduce((total, entity) => total + (entity[count] ?? 0), 0);
    const overdue = (await this.erasures?.countOverdue()) ?? 0;
    const details = {
      overdueBy: Math.max(0, ...entities.map(({ overdueBy }) => overdueBy)),
      ...(mayBeBlocked ? { due: sum('due'), blocked: sum('blocked') } : {}),
      ...(overdue > 0 ? { overdueErasures: overdue } : {}),
    };
    const { braked = [] } = this.purge;
    const problems = [
      ...(late.length > 0 ? [`The purge is behind for ${late.join(', ')}.`] : []),
      ...(braked.length > 0 ? [`The purge skipped ${braked.join(', ')}: far more rows are due than usual.`] : []),
      ...(overdue > 0 ? [`${overdue === 1 ? '1 erasure is' : `${overdue} erasures are`} overdue.`] : []),
    ];
    const result: PurgeHealthResult<string> = {
      [key]:
        problems.length === 0
          ? { status: 'up', ...details }
          : { status: 'down', message: problems.join(' '), ...details },
    };
    return result as PurgeHealthResult<Key>;
  }
}
