/** The options of one `forRoot()` that a factory may give. @internal */
export const ADMIN_OPTIONS = Symbol('soft-delete-admin-options');

/** The options of one `forRoot()` that routes are made of. @internal */
export const ADMIN_STATIC_OPTIONS = Symbol('soft-delete-admin-static-options');
