import { connect } from '../src/urql.mjs';
import { story } from './story.mjs';

story('urql', connect);
