import { Get, Header, Inject, NotFoundException, Param, Req, Res } from '@nestjs/common';
import { ADMIN_OPTIONS, ADMIN_STATIC_OPTIONS } from './admin.tokens.js';
import { PageAssets } from './page-assets.js';
import { renderPage } from './render-page.js';
import type { AdminDynamicOptions, AdminStaticOptions } from './soft-delete-admin.options.js';

const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self'",
  "frame-ancestors 'none'",
  "base-uri 'none'",
  "form-action 'none'",
].join('; ');

/** Express and Fastify alike. */
interface Response {
  header(name: string, value: string): unknown;
}

/**
 * The admin page and its files. Each `forRoot()` extends it by a controller with the path and the guards of its own.
 *
 * @internal
 */
export abstract class AdminPageController {
  constructor(
    @Inject(PageAssets) private readonly assets: PageAssets,
    @Inject(ADMIN_STATIC_OPTIONS) private readonly options: AdminStaticOptions,
    @Inject(ADMIN_OPTIONS) private readonly dynamic: AdminDynamicOptions,
  ) {}

  @Get()
  @Header('content-type', 'text/html; charset=utf-8')
  @Header('content-security-policy', POLICY)
  @Header('cache-control', 'no-store')
  @Header('x-content-type-options', 'nosniff')
  @Header('referrer-policy', 'no-referrer')
  page(@Req() request: { originalUrl?: string; url: string }): string {
    const { path, credentials = 'cookie' } = this.options;
    const [address = ''] = (request.originalUrl ?? request.url).split('?');
    // Relative, so that a proxy may put the page elsewhere.
    const base = address.endsWith('/') ? './' : `./${path.split('/').filter(Boolean).at(-1)!}/`;
    return renderPage(this.assets, base, credentials, this.dynamic.locale ?? {});
  }

  @Get('assets/:file')
  @Header('x-content-type-options', 'nosniff')
  asset(@Param('file') name: string, @Res({ passthrough: true }) response: Response): string {
    const asset = this.assets.find(name);
    if (!asset) {
      throw new NotFoundException(`There is no file ${name}.`);
    }
    response.header('content-type', asset.type);
    response.header('cache-control', 'private, max-age=31536000, immutable');
    return asset.text;
  }
}
