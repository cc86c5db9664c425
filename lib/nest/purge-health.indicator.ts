import { Inject, Injectable } from '@nestjs/common';
import { type Duration, parseDuration } from '../options/duration.js';
import { refuseUnknownOptions } from '../options/refuse-unknown-options.js';
import { PurgeService } from '../purge/purge.service.js';

/**
 * Options of `PurgeHealthIndicator.isHealthy()`.
 *
 * @publicApi
 */
export interface PurgeHealthOptions {
  /**
   * How long a row may have been due before the purge counts as behind.
   *
   * @default '24h'
   */
  sla?: Duration;
}

/** What `@nestjs/terminus` wants to know of an indicator. */
type PurgeHealthResult<Key extends string> = {
  [Name in Key]: {
    status: 'up' | 'down';
    /** Why it is down. */
    message?: string;
    due: number;
    blocked: number;
    /** Milliseconds. */
    overdueBy: number;
  };
};

/**
 * Tells a health check of `@nestjs/terminus` whether the purge keeps up: down if the oldest due row has been due for longer than
 * the agreed time. Blocked rows do not count, since no purge can remove them; their number is in the result.
 *
 * It needs no more of `@nestjs/terminus` than the form of its results, so nothing is imported from there. List it among the
 * providers of the module that has the health check:
 *
 * ```ts
 * this.health.check([() => this.purge.isHealthy('purge', { sla: '24h' })]);
 * ```
 *
 * The check counts deleted rows: call it every minute, not every second, and not as a liveness probe.
 *
 * @publicApi
 */
@Injectable()
export class PurgeHealthIndicator {
  constructor(@Inject(PurgeService) private readonly purge: Pick<PurgeService, 'status'>) {}

  /**
   * @throws SoftDeleteConfigError if the time is not one, or an option is unknown
   */
  async isHealthy<Key extends string = 'purge'>(
    key: Key = 'purge' as Key,
    options: PurgeHealthOptions = {},
  ): Promise<PurgeHealthResult<Key>> {
    refuseUnknownOptions('isHealthy()', options, ['sla']);
    const limit = parseDuration('sla', options.sla ?? '24h');
    const { entities } = await this.purge.status();
    const late = entities.filter(({ overdueBy }) => overdueBy > limit).map(({ entity }) => entity);
    const sum = (count: (entity: (typeof entities)[number]) => number) =>
      entities.reduce((total, entity) => total + count(entity), 0);
    const details = {
      due: sum(({ due }) => due),
      blocked: sum(({ blocked }) => blocked),
      overdueBy: Math.max(0, ...entities.map(({ overdueBy }) => overdueBy)),
    };
    const result: PurgeHealthResult<string> = {
      [key]:
        late.length === 0
          ? { status: 'up', ...details }
          : { status: 'down', message: `The purge is behind for ${late.join(', ')}.`, ...details },
    };
    return result as PurgeHealthResult<Key>;
  }
}
