# Gets a Python into .python\, for this folder alone, with uv; run.bat calls it where no Python fits.
# tools\uv.txt says which uv. This file begins with a byte order mark, or PowerShell 5 misreads it.
$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'  # drawing the progress makes a download many times slower
[Net.ServicePointManager]::SecurityProtocol = [Net.SecurityProtocolType]::Tls12
$root = Split-Path -Parent $PSScriptRoot
$own = Join-Path $root '.python'
$uv = Join-Path $own 'uv.exe'
$archive = Join-Path $own 'uv.zip'

function Say($en, $zh) { Write-Host "[CosyVoice] $en / $zh" }

function Stop-Here($en, $zh) {
    Say "$en; or install Python 3.10 to 3.13 from https://www.python.org/downloads/, then start run.bat again" `
        "$zh；也可从 https://www.python.org/downloads/ 安装 Python 3.10 至 3.13，然后重新运行 run.bat"
    exit 1
}

function Get-Uv {
    $row = Get-Content -LiteralPath (Join-Path $PSScriptRoot 'uv.txt') | Where-Object { $_ -like 'Windows-AMD64 *' }
    $platform, $wanted, $path = $row -split ' '
    $base = if ($env:COSYVOICE_UV_URL) { $env:COSYVOICE_UV_URL.TrimEnd('/') } else { 'https://files.pythonhosted.org/packages' }
    try { Invoke-WebRequest -UseBasicParsing -Uri "$base/$path" -OutFile $archive }
    catch {
        Stop-Here "uv could not be downloaded from $base/${path} ($_): check the network, or name a mirror in COSYVOICE_UV_URL" `
            "无法从 $base/$path 下载 uv：请检查网络，或用 COSYVOICE_UV_URL 指定镜像"
    }
    if ((Get-FileHash -Algorithm SHA256 -LiteralPath $archive).Hash -ne $wanted) {
        Remove-Item -LiteralPath $archive
        Stop-Here "what came from $base/$path is not the file that is expected (SHA-256): try again, or name a mirror in COSYVOICE_UV_URL" `
            "从 $base/$path 下载的文件与预期不符（SHA-256）：请重试，或用 COSYVOICE_UV_URL 指定镜像"
    }
    Add-Type -AssemblyName System.IO.Compression.FileSystem
    $zip = [IO.Compression.ZipFile]::OpenRead($archive)
    try {
        $entry = $zip.Entries | Where-Object { $_.FullName -like '*/scripts/uv.exe' }
        [IO.Compression.ZipFileExtensions]::ExtractToFile($entry, $uv, $true)
    }
    finally { $zip.Dispose() }
    Remove-Item -LiteralPath $archive
}

if (-not [Environment]::Is64BitOperatingSystem) {
    Stop-Here 'a 64-bit Windows is needed' '需要 64 位 Windows'
}
Say 'no Python 3.10 to 3.13 is here: getting one into .python, for this folder alone (about 50 MB, once)' `
    '未找到 Python 3.10 至 3.13：正在下载一份到 .python，仅供本文件夹使用（约 50 MB，仅一次）'
New-Item -ItemType Directory -Force -Path $own | Out-Null
if (-not (Test-Path -LiteralPath $uv)) { Get-Uv }
$env:UV_NO_CONFIG = '1'
$env:UV_SYSTEM_CERTS = '1'  # those of Windows, as a company's proxy needs
$env:UV_PYTHON_INSTALL_DIR = $own
$env:UV_PYTHON_INSTALL_BIN = '0'
$env:UV_PYTHON_INSTALL_REGISTRY = '0'
$env:UV_CACHE_DIR = Join-Path $own 'cache'
& $uv python install 3.12
if ($LASTEXITCODE -ne 0) {
    Stop-Here 'Python could not be downloaded: check the network, or name a mirror of python-build-standalone in UV_PYTHON_INSTALL_MIRROR' `
        '无法下载 Python：请检查网络，或用 UV_PYTHON_INSTALL_MIRROR 指定 python-build-standalone 的镜像'
}
