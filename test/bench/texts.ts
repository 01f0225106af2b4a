// Command lines of given lengths, as a scientific node has them. None is from the compiler's own sample.
import { Random } from "../lib/hostile-lines.js";

const WORDS = `
Rscript --vanilla -e rmarkdown::render('analysis.Rmd',output_dir='/srv/results')
julia --project=@. --threads=8 scripts/simulate.jl --steps 20000 --output runs/2031-04-17T09_30.h5
ffmpeg -hide_banner -loglevel warning -i input_0042.mov -vf scale=1280:-2,fps=25 -c:v libx264 -crf 21 out.mp4
java -Xmx12g -XX:+UseG1GC -cp lib/htsjdk-3.0.5.jar:lib/picard.jar picard.cmdline.PicardCommandLine MarkDuplicates
rsync -aHAX --delete --info=progress2 --exclude=.snakemake/ backup@10.20.30.40:/volumes/genomes/hg38/ ./hg38/
snakemake --cores 16 --use-singularity --rerun-incomplete --configfile config/samples_run7.yaml all
samtools sort -@ 8 -m 2G -o sample_17.sorted.bam sample_17.bam && samtools index sample_17.sorted.bam
mpirun -np 64 --bind-to core ./wrf.exe namelist.input rsl.out.0000 rsl.error.0000
gdalwarp -t_srs EPSG:32633 -tr 30 30 -r bilinear -co COMPRESS=DEFLATE scene_B04.tif scene_B04_utm.tif
psql --host=db.internal --username=reader --dbname=observations --command='select count(*) from stations where elevation > 2000'
node --max-old-space-size=4096 ./node_modules/.bin/webpack --mode production --config webpack.config.js
find /data/archive -type f -name *.nc -newer /tmp/last_run -print0
curl --fail --silent --show-error --location --retry 5 https://data.service.gov/api/v2/series?from=1990-01-01
openssl dgst -sha256 -verify public.pem -signature report.pdf.sig report.pdf
tar --create --zstd --file=/scratch/u1234/checkpoint_000120.tar.zst --directory=/scratch/u1234 weights optimizer.state
`
  .trim()
  .split(/\s+/);

/** The path, then arguments of together `bytes` bytes with their NULs. */
export interface BenchLine {
  readonly path: string;
  readonly args: readonly string[];
}

/** Different lines of the same length: `variant` chooses. Words repeat on long lines, in another order each time. */
export function benchLine(bytes: number, variant: number): BenchLine {
  const random = new Random(1000 + variant);
  const path = random.pick(["/bin/x", "/usr/bin/julia", "/opt/r/bin/Rscript", "/usr/local/bin/ffmpeg"]);
  const args: string[] = [];
  let left = Math.max(1, bytes - path.length - 1);
  while (left > 0) {
    const word = random.pick(WORDS).slice(0, left - 1);
    args.push(word);
    left -= word.length + 1;
  }
  return { path, args };
}
