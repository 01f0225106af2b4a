// What command lines on a scientific node look like, for the compiler to choose grams that are rare in them. Written for
// this purpose; a wrong guess costs a look-up, never a match.
export const TYPICAL_TEXT = `
/usr/bin/python3 -m ipykernel_launcher -f /home/jovyan/.local/share/jupyter/runtime/kernel-0a1b2c3d-4e5f-6789.json
/opt/conda/bin/python /opt/conda/bin/jupyterhub-singleuser --ip=0.0.0.0 --port=8888 --NotebookApp.default_url=/lab
/opt/conda/bin/python -m jupyter lab --no-browser --ServerApp.token= --notebook-dir=/home/jovyan/work
/opt/conda/bin/conda install --yes --quiet -c conda-forge numpy scipy pandas matplotlib xarray dask distributed
/usr/bin/pip install --no-cache-dir --user torch torchvision tensorflow scikit-learn jupyterlab notebook
/usr/bin/git clone --depth 1 --branch main https://github.com/example/project.git /home/jovyan/project
/usr/bin/git-remote-https origin https://github.com/organization/repository
git --git-dir=/repo/.git rev-parse --show-toplevel --abbrev-ref HEAD
/bin/sh -c while true; do sleep 1; done && echo hello world > /dev/null 2>&1
/bin/bash -c export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin; exec "$@"
/usr/lib/gcc/x86_64-linux-gnu/12/cc1plus -quiet -imultiarch x86_64-linux-gnu -D_GNU_SOURCE -std=gnu++17 -O2 -Wall -fPIC
gcc -shared -Wl,-rpath,/usr/local/lib -L/usr/lib/x86_64-linux-gnu -lm -lpthread -ldl -o build/libexample.so main.o
cmake --build . --target install -- -j4; make -C /usr/src/linux modules_install; ninja -v test
/usr/bin/node /usr/local/bin/npm run build --prefix frontend --silent; node_modules/.bin/webpack --config webpack.config.js
Rscript -e install.packages("tidyverse", repos="https://cloud.r-project.org"); R --no-save --slave < analysis.R
julia --project=/home/jovyan/.julia/environments/v1.9 -e using IJulia; notebook(dir=pwd(), detached=true)
mpirun -np 4 --hostfile hosts ./simulation --input config.yaml --output results/output.nc --steps 10000
dask-worker tcp://10.0.0.12:8786 --nthreads 2 --memory-limit 4GB --name worker-1 --death-timeout 60
srun --ntasks=16 --time=01:00:00 --partition=compute bash run.sh; sbatch job.slurm; squeue -u user
samtools sort -@ 4 -o sample.sorted.bam sample.bam; bwa mem -t 8 reference.fasta reads_1.fastq.gz reads_2.fastq.gz
curl -fsSL -H Accept: application/json -o /tmp/file.tar.gz https://example.org/download/v1.2.3/file-linux-amd64.tar.gz
wget -q -O - http://localhost:8080/api/v1/namespaces/default/pods?limit=500 | tar -xz -C /opt
ssh -o StrictHostKeyChecking=no -i /root/.ssh/id_rsa user@server.example.com ls -la /var/log
/usr/sbin/sshd -D -R; /lib/systemd/systemd --user; /usr/bin/dbus-daemon --session --address=systemd: --nofork
docker run --rm -it -v /data:/data -e KEY=value -p 8080:80 --name container registry.example.com/image:latest
/usr/local/bin/kubelet --config=/var/lib/kubelet/config.yaml --container-runtime-endpoint=unix:///run/containerd/containerd.sock
containerd-shim-runc-v2 -namespace k8s.io -id 0123456789abcdef0123456789abcdef -address /run/containerd/containerd.sock
kubectl get pods --all-namespaces --output=wide --selector=app.kubernetes.io/name=example
find . -name *.py -type f -exec grep -l import {} +; sed -i s/foo/bar/g file.txt; awk {print $1} data.csv | sort | uniq -c
xargs -n 1 -P 4 cp -r; rsync -avz --delete source/ destination/; chmod 755 script.sh; chown -R user:group directory
ffmpeg -i input.mp4 -c:v libx264 -crf 23 -preset fast output.mp4; convert image.png -resize 50% thumbnail.jpg
psql -h localhost -U postgres -d database -c select count(*) from table where id = 1; redis-cli -p 6379 ping
pool worker thread process cluster network service server client stream video number memory computer compute monitor
january february march april may june july august september october november december monday tuesday wednesday
the of and to in is that for it as was with be by on not he his but at are this have from or had an they which one you
`;
