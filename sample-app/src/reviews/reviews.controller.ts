import { EntityManager } from '@mikro-orm/postgresql';
import { Body, Controller, Delete, Get, Param, Post } from '@nestjs/common';
import { ApiOkResponse } from '@nestjs/swagger';
import {
  type DeletionResult,
  DeletionResultDto,
  InjectSoftDeleteRepository,
  type SoftDeleteRepository,
} from 'nestjs-mikro-orm-soft-delete';
import { ApiProblems } from '../http/api-problems.decorator.js';
import { Customer } from '../entities/customer.entity.js';
import { Product } from '../entities/product.entity.js';
import { Review } from '../entities/review.entity.js';
import { IdPipe } from '../http/id.pipe.js';
import { ReviewDto, WriteReviewDto } from './review.dto.js';

@Controller()
export class ReviewsController {
  constructor(
    @InjectSoftDeleteRepository(Review) private readonly reviews: SoftDeleteRepository<Review>,
    private readonly em: EntityManager,
  ) {}

  @Get('products/:id/reviews')
  @ApiProblems(400)
  async list(@Param('id', IdPipe) id: number): Promise<ReviewDto[]> {
    const reviews = await this.reviews.find({ product: id }, { populate: ['customer'], orderBy: { id: 'asc' } });
    return reviews.map((review) => ReviewDto.of(review));
  }

  /** One review per customer and product. Whoever deleted theirs may write another. */
  @Post('products/:id/reviews')
  @ApiProblems(400, 404, 'taken')
  async write(@Param('id', IdPipe) id: number, @Body() body: WriteReviewDto): Promise<ReviewDto> {
    const product = await this.em.findOneOrFail(Product, id);
    const customer = await this.em.findOneOrFail(Customer, body.customerId);
    const review = this.reviews.create({ product, customer, rating: body.rating, text: body.text });
    await this.em.persist(review).flush();
    return ReviewDto.of(await this.em.populate(review, ['customer']));
  }

  @Delete('reviews/:id')
  @ApiProblems(400, 404)
  @ApiOkResponse({ type: DeletionResultDto })
  async remove(@Param('id', IdPipe) id: number): Promise<DeletionResult> {
    return this.reviews.softDelete(await this.reviews.findOneOrFail(id));
  }
}
