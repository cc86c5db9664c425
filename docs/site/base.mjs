/**
 * Where the site will be on its host, as `DOCS_BASE` says: at its root, or below a folder.
 *
 * @throws Error if that is no path
 */
export function readBase(text = '') {
  const path = text.replace(/^\/|\/$/g, '');
  if (path !== '' && !/^(?!.*\.\.)[\w.~-]+(\/[\w.~-]+)*$/.test(path)) {
    throw new Error(
      `DOCS_BASE is "${text}", which is no folder of a host. Write it as /nestjs-mikro-orm-soft-delete/.`,
    );
  }
  return path === '' ? '/' : `/${path}/`;
}
