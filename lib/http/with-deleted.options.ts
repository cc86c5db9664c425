import type { DescribedDecorator } from './open-api/describe-routes.js';
import type { RequestParameter } from './request-parameter.js';

/**
 * With neither `query` nor `arg`, every request sees deleted rows. Otherwise only requests that say `true`; anything but `true` and `false`
 * is answered with 400.
 *
 * @publicApi
 */
export interface WithDeletedOptions extends RequestParameter {
  /**
   * The ORM, where the application has several.
   *
   * @default all of them
   */
  contextName?: string;
}

/** Where the decorator leaves its options for the interceptor. @internal */
export const WITH_DELETED_METADATA = 'nestjs-mikro-orm-soft-delete/with-deleted';

/** What OpenAPI is told of the decorator. @internal */
export const WITH_DELETED_DESCRIPTION: DescribedDecorator<WithDeletedOptions> = {
  metadata: WITH_DELETED_METADATA,
  parameterOf: ({ query }) =>
    query === undefined
      ? undefined
      : {
          in: 'query',
          name: query,
          description: 'Whether deleted rows are shown too.',
          schema: { type: 'boolean' },
        },
};
