/**
 * @publicApi
 */
export interface WithDeletedOptions {
  /**
   * The query parameter with which a request asks for deleted rows: `true` or `false`; anything else is answered with 400.
   *
   * @default every request to the route sees deleted rows
   */
  query?: string;
  /**
   * The ORM, where the application has several.
   *
   * @default all of them
   */
  contextName?: string;
}

/** Where the decorator leaves its options for the interceptor. @internal */
export const WITH_DELETED_METADATA = 'nestjs-mikro-orm-soft-delete/with-deleted';
