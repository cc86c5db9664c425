import { VERSION_NEUTRAL } from '@nestjs/common';
import { AdminPageController } from '../../../lib/admin/admin-page.controller.js';
import { AdminApiController } from '../../../lib/admin/api/admin-api.controller.js';
import { createControllers } from '../../../lib/admin/create-controllers.js';

class Guard {
  canActivate() {
    return true;
  }
}

describe(createControllers, () => {
  const create = (options: object) =>
    createControllers({ path: 'admin/deleted', guards: [Guard], ...options } as never).map((controller) => ({
      is: controller.prototype instanceof AdminPageController ? 'page' : 'api',
      path: Reflect.getMetadata('path', controller) as string,
      guards: Reflect.getMetadata('__guards__', controller) as unknown[],
      isNeutral: Reflect.getMetadata('__version__', controller) === VERSION_NEUTRAL,
    }));

  it('serves the page at the path and the API below it, both guarded and whatever the version', () => {
    const [page, api] = create({});
    expect(page).toEqual({ is: 'page', path: 'admin/deleted', guards: [Guard], isNeutral: true });
    expect(api).toEqual({ is: 'api', path: 'admin/deleted/api', guards: [Guard], isNeutral: true });
    expect(createControllers({ path: 'a', guards: [Guard] } as never)[1]!.prototype).toBeInstanceOf(AdminApiController);
  });

  it('takes a path with slashes around it for the same', () => {
    expect(create({ path: '/admin/deleted/' }).map(({ path }) => path)).toEqual(['admin/deleted', 'admin/deleted/api']);
  });

  it.each([
    [{ guards: 'none' }, [[], []]],
    [{ credentials: 'cookie' }, [[Guard], [Guard]]],
    // The page itself has nothing to send yet: what it asks for is guarded.
    [{ credentials: { header: 'authorization' } }, [[], [Guard]]],
  ])('guards what %j leaves to guard', (options, guards) => {
    // Without guards Nest writes nothing.
    expect(create(options).map((controller) => controller.guards ?? [])).toEqual(guards);
  });

  it('serves no page where only the API is wanted', () => {
    expect(create({ ui: false }).map(({ is }) => is)).toEqual(['api']);
    expect(create({ ui: true }).map(({ is }) => is)).toEqual(['page', 'api']);
  });
});
